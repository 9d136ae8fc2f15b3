#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/program/tensors/meaning.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/dtype.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// What one index of a tensor counts. The project's shape legend is docs/shapes.md.
enum class DimName : std::uint8_t {
  tokens,    ///< T: sequences × positions of one micro-batch
  hidden,    ///< D
  ffn,       ///< F: ffn hidden, twice for a fused gate and up
  qkv,       ///< fused query, key and value columns: (heads + 2·kv_heads) · head_dim
  heads,     ///< heads (of one sequence, or of all sequences of the micro-batch)
  query,     ///< positions that ask
  key,       ///< positions that are asked
  vocab,     ///< V, padded
  position,  ///< rows of a learned position table
  flat,      ///< anything one-dimensional: a norm's weight, a bias, a count
};

/// One dimension: its global size, and into how many equal parts each parallelism cuts it.
struct Dim {
  DimName name = DimName::flat;
  std::int64_t size = 1;
  std::int32_t tp = 1;
  std::int32_t cp = 1;
  std::int32_t ep = 1;
  std::int32_t dp = 1;  ///< ZeRO

  /// Elements of this dimension on one rank: the largest share, where the parts do not divide evenly.
  [[nodiscard]] constexpr std::int64_t local() const {
    return ceil_divide(size, static_cast<std::int64_t>(tp) * cp * ep * dp);
  }
  friend constexpr bool operator==(const Dim&, const Dim&) = default;
};

/// How long a tensor lives, and so what tells its instances apart.
enum class Lifetime : std::uint8_t {
  step,         ///< the whole step; one instance per layer that has it
  micro_batch,  ///< from its first write to its last use; one per (layer, micro-batch)
  layer,        ///< from its first write to its last use; one per layer, whatever the micro-batch
  block,        ///< inside one instance of one block
};

/// What a tensor is for; the memory ledger's categories.
enum class TensorRole : std::uint8_t {
  weight,
  gradient,
  optimizer,
  activation,
  activation_gradient,
  buffer,
  input
};

/// An array of the step program. Its shape is global; one rank holds local_elements() of it.
struct Tensor {
  /// "layer.qkv.weight": unique within a program, for people to read. Nothing is decided by it.
  std::string label;
  Meaning meaning;
  /// How it is derived, and from which tensors: a gradient from its weight, a master from all weights of a
  /// block.
  Derivation derivation = Derivation::none;
  std::vector<TensorId> of;
  /// The kind of layer that alone has it. None: not of a layer, or shared by layers of several kinds.
  std::optional<LayerKindId> layer_kind;
  TensorRole role = TensorRole::activation;
  DType dtype = DType::bf16;
  Lifetime lifetime = Lifetime::block;
  std::vector<Dim> dims;
  /// The leading dimension, of experts the one behind it, is this many parts laid end to end, each cut on its
  /// own: {q, k, v} or {gate, up}. Empty: one part.
  std::vector<std::int64_t> sections;
  /// One instance per layer (told apart by the visit's layer), or one per rank: a table, the gradient norm.
  bool per_layer = true;
  /// Each rank of the group first holds one summand; an all-reduce in place or a reduce-scatter follows.
  std::optional<GroupKind> partial;
  /// Of a weight: the elements of the global shape that the model does not have: vocabulary padding, and kv
  /// heads repeated because tp exceeds them.
  std::int64_t padding = 0;
  /// Of an activation: the parts of its last dimension, laid end to end, that an all-to-all of
  /// context-parallel ranks deals out each on its own: {q, k, v}. Empty: one part.
  std::vector<std::int64_t> column_sections;
  /// Of a weight and its gradient: the ranks that share the optimizer's work on it; 1 without ZeRO.
  std::int64_t update_parts = 1;

  [[nodiscard]] std::int64_t global_elements() const;
  [[nodiscard]] std::int64_t local_elements() const;
  /// Of a table, (rows, columns): the rows that are no padding.
  [[nodiscard]] std::int64_t known_rows() const;
  [[nodiscard]] Bytes local_bytes() const { return bytes_of(dtype, local_elements()); }
  /// True for the tensor of this meaning itself, false for what is derived from it.
  [[nodiscard]] bool is(const Meaning& what) const {
    return derivation == Derivation::none && meaning == what;
  }
  /// True where no dimension is cut over tensor parallelism: every tp rank holds the same elements.
  [[nodiscard]] bool replicated_over_tp() const;
};

}  // namespace foreshard
