#pragma once

#include "planner/program/ops/op.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Bytes that the kernels of a linear scan move: each reads its inputs and writes its results once. Counted from
/// the kernels of mamba_ssm (ssd) and flash-linear-attention (delta rules); docs/cost_model.md lists them.
Bytes scan_traffic(const LinearScan& scan, Phase phase);

/// Bytes of an indexer's scores, fp32, which one kernel writes and the choice reads; in backward those of the keys
/// that are gathered for its loss.
Bytes index_traffic(const IndexScores& index, Phase phase);

/// Bytes of the keys and values that sparse attention gathers, query by query; in backward also those of their
/// gradients, which are added where they belong. 0 if no indexer chooses the keys.
Bytes gathered_traffic(const Attention& core, Phase phase);

/// Kernels that run one operation of a linear mixer or an indexer; 1 for all other kinds.
std::int64_t kernels_of(const Op& op);

}  // namespace foreshard
