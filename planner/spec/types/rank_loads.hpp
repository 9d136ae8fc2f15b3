#pragma once

#include <cstdint>

#include "planner/spec/types/model_spec.hpp"

namespace foreshard {

/// Rows that expert-parallel ranks get, over the mean of all ranks.
struct RankLoads {
  double least = 1.0;  ///< of the idlest rank
  double most = 1.0;   ///< of the busiest rank, for which all others of its group wait
};

/// How the rows of a layer spread over `ep` ranks, each of which has experts / ep consecutive experts.
///   experts one by one   the mean of a rank's experts
///   a spread σ           loads of experts scatter normally by σ, those of ranks of n experts by σ/√n: the expected
///                        busiest of ep ranks has 1 + z·σ/√n, with z of largest_of_normals, but no more than all rows or
///                        than its experts can take
///   a number             the busiest rank's; the others share the rest evenly
/// Example: 4 experts with 2, 1, 1, 0 over 2 ranks: (2 + 1)/2 = 1.5 and 0.5.
/// @pre ep divides the number of experts
RankLoads rank_loads(const ExpertsSpec& experts, std::int64_t ep);

}  // namespace foreshard
