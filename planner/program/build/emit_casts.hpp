#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "planner/program/passes/quantiser_rules.hpp"
#include "planner/program/program_builder.hpp"

// The blocks that make copies in 8 and 4 bits outside forward and backward.

namespace foreshard {

/// The block that makes one layer's copies of the weights of a group, and when it runs.
struct WeightCasts {
  BlockId block;
  /// True: at the end of the step, from what data parallelism gathered. False: at its start, as frameworks do
  /// in the first micro-batch.
  bool after_gather = false;
};

/// The copies of one group's weights.
using GroupCasts = std::pair<const WeightGroup*, WeightCasts>;

/// A forward pass with the copies of a block's weights before each call that reads them, so that they wait for the
/// gather of these weights alone, while those of later layers run beside them. Empty if there are no copies.
std::vector<BlockCall> with_casts(
    const std::vector<BlockCall>& forward, const std::vector<GroupCasts>& casts,
    const std::function<bool(const BlockCall&, const WeightGroup&)>& reads_weights);

/// None if no copies of the group's weights are kept for the whole step.
std::optional<WeightCasts> emit_weight_casts(ProgramBuilder& builder, const QuantiserRules& rules,
                                             const WeightGroup& group);

/// Delayed scaling: the largest magnitudes of a step are reduced over the ranks that share the model's stage,
/// in one call after each forward and each backward pass through a chunk.
struct MagnitudeBlocks {
  BlockId zero;
  std::optional<BlockId> reduce;  ///< none on one device
};
/// @param magnitudes of one chunk, forward and backward together
MagnitudeBlocks emit_magnitudes(ProgramBuilder& builder, std::int64_t magnitudes);

}  // namespace foreshard
