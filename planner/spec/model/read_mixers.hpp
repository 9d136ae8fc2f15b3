#pragma once

#include <array>
#include <cstddef>

#include "planner/spec/types/layer_kind.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The keys that model.attention and the attention of a kind of layer have in common.
inline constexpr auto kAttentionOptionKeys = std::to_array<KeyInfo>({
    {"rotary_dim", "elements of a head that rotary positions turn; unsaid, all"},
    {"chunk", "tokens of a chunk; a query sees no keys of other chunks; unsaid, there are no chunks"},
    {"gate", "a sigmoid gate on the attention's output: none, elementwise or headwise", "none"},
    {"values_are_keys", "one projection makes keys and values: true or false", "false"},
    {"v_norm", "values are normalised too, without weights: true or false", "false"},
    {"compression", "of attention with compressed keys: tokens of one; or none"},
    {"indexer", "sparse attention: {kind, heads, head_dim, top_k, block}; in a kind also shared, or none"},
});

/// The keys of two tables, one after the other.
template <std::size_t N, std::size_t M>
constexpr std::array<KeyInfo, N + M> joined(const std::array<KeyInfo, N>& a,
                                            const std::array<KeyInfo, M>& b) {
  std::array<KeyInfo, N + M> all{};
  for (std::size_t i = 0; i < N; ++i) all[i] = a[i];
  for (std::size_t i = 0; i < M; ++i) all[N + i] = b[i];
  return all;
}

/// Reads the options of attention that a map says; the others stay as `usual` has them.
AttentionOptions read_attention_options(const MapReader& map, AttentionOptions usual);
/// Reads the options that latent attention has: gate and indexer. Complains of the others.
AttentionOptions read_latent_options(const MapReader& map, AttentionOptions usual);

/// Reads compression and indexer of attention with compressed keys; complains of other options.
struct Compression {
  std::int64_t tokens = 0;  ///< of a compressed key; 0: there are none
  std::optional<Indexer> indexer{};
};
Compression read_compression(const MapReader& map, Compression usual);

/// Reads the map of a linear mixer below its key: mamba2, gated-delta-net or kimi-delta.
Mamba2 read_mamba2(const MapReader& kind);
GatedDeltaNet read_gated_delta_net(const MapReader& kind);
KimiDelta read_kimi_delta(const MapReader& kind);

// The keys of these maps, for the schema and the reference of keys.
KeyTable indexer_keys();
KeyTable mamba2_keys();
KeyTable gated_delta_net_keys();
KeyTable kimi_delta_keys();

}  // namespace foreshard
