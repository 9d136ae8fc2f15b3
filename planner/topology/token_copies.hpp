#pragma once

#include <cstdint>

#include "planner/spec/types/model_spec.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard {

/// How often a token is copied by an exchange that sends it once to each rank of the expert-parallel group that has
/// one of its experts, and between nodes once to each node: the expected numbers of different ranks and nodes, the
/// token's own included. 1 <= nodes <= ranks <= experts per token.
struct TokenCopies {
  double ranks = 1.0;
  double nodes = 1.0;
  friend constexpr bool operator==(const TokenCopies&, const TokenCopies&) = default;
};

/// The expected number of different parts among a token's experts, if the experts lie in `parts` equal parts, in
/// order, and the router is balanced. Group-limited routing first chooses groups_per_token of the groups, each
/// equally likely, then per_token different experts within these, each equally likely.
/// With E experts, k of them per token and one group: parts·(1 − C(E − E/parts, k) / C(E, k)).
/// Example: 4 experts in 2 parts, 2 per token: 2·(1 − C(2, 2)/C(4, 2)) = 5/3.
/// @pre parts divides experts.count
double expected_parts(const ExpertsSpec& experts, std::int64_t parts);

/// The copies of a token in an expert-parallel group that lies on `span`. @pre span has as many members as the group
TokenCopies token_copies(const ExpertsSpec& experts, const Group& ep, GroupSpan span);

}  // namespace foreshard
