#pragma once

#include "planner/program/ops/op_flops.hpp"

namespace foreshard {

/// FLOPs of the chunked scan of a linear mixer: its matrix products. A chunk of Q tokens has full Q × Q squares, as
/// the kernels compute them. Per token, with H heads, G key heads, key width K and value width V:
///   ssd          forward  2·G·Q·K + H·(2·Q·V + 4·K·V)
///   delta rules  forward  H·(6·Q·K + 4·Q·V + 6·K·V + Q²/3)
/// The model's backward is twice that; what the kernels execute is more, because they compute scores, states and
/// the delta rule's vectors again. docs/formulas.md derives all of it.
/// Sources: arXiv:2405.21060, section 6; arXiv:2412.06464, section 3.3; arXiv:2510.26692; the kernels of mamba_ssm
/// and flash-linear-attention.
OpFlops scan_flops(const LinearScan& scan, Phase phase);

/// FLOPs of an indexer's scores, and in backward those of its loss over the chosen keys. Forward
/// 2·batch·query·key·heads·(head_dim + 1): the products with all keys, and the sum over heads. Counts the full
/// square; under a causal mask half is executed.
OpFlops index_flops(const IndexScores& index, Phase phase);

/// The keys of a query that sees at most `selected` of `key` keys, for counting FLOPs. Under a causal mask that is
/// twice what a query sees on average: min(i + 1, w) summed over s positions is about s·w − w²/2.
std::int64_t selected_keys(std::int64_t selected, std::int64_t key, bool causal);
/// The same for queries that see the keys of their own chunk: whole chunks of c tokens and a rest of r are squares of
/// c² and r² over `key` rows.
std::int64_t chunk_keys(std::int64_t chunk, std::int64_t key);

}  // namespace foreshard
