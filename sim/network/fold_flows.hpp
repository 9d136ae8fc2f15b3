#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/units/quantity.hpp"
#include "sim/network/flow_pattern.hpp"

namespace foreshard {

/// The flows of one communication group of a kind. All groups of a kind run the same operations; on identical
/// links they would run them at the same times.
struct GroupFlows {
  std::uint32_t kind = 0;
  FlowPattern pattern;
};

/// The result of folding: one group stands for all groups of its kind, one link for all links of its class.
struct FoldedFlows {
  std::vector<FlowPattern> patterns;  ///< by kind
  std::vector<std::uint32_t> alike;   ///< by link: number of links it stands for; 0: another stands for it
};

/// Folds all groups of each kind into one, if they are equivalent. Links and groups are divided into classes.
/// Links of one class have equal capacity and are crossed by equally many flows of each class of groups;
/// groups of one class cross equally many links of each class. Within a class max-min shares are equal, so
/// groups that start together end together, and simulating one group for all is exact. Returns none if the
/// groups of a kind fall into several classes.
/// Source: colour refinement; the classes are an equitable partition (Godsil and Royle 2001, 9.3).
std::optional<FoldedFlows> fold(std::span<const GroupFlows> groups,
                                std::span<const BytesPerSecond> capacities);

}  // namespace foreshard
