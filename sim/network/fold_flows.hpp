#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/units/quantity.hpp"
#include "sim/network/flow_pattern.hpp"

namespace foreshard {

/// What one group of a kind moves. Groups of one kind run the same operations, and would in step.
struct GroupFlows {
  std::uint32_t kind = 0;
  FlowPattern pattern;
};

/// Groups folded into one for each kind, on links that each stand for all that are alike.
struct FoldedFlows {
  std::vector<FlowPattern> patterns;  ///< by kind
  std::vector<std::uint32_t> alike;   ///< by link: how many it stands for; 0: another link stands for it
};

/// Folds groups, if all groups of each kind are alike. Links and groups fall into classes: of links of equal
/// capacity that as many flows of each class of groups cross, and of groups that cross as many links of each
/// class. Max-min shares are equal within such classes, so groups that start together end together, and one
/// that stands for all is exact. None if a kind falls into several classes.
/// Source: colour refinement; the classes are an equitable partition (Godsil and Royle 2001, 9.3).
std::optional<FoldedFlows> fold(std::span<const GroupFlows> groups,
                                std::span<const BytesPerSecond> capacities);

}  // namespace foreshard
