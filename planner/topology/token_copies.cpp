#include "planner/topology/token_copies.hpp"

#include <algorithm>

namespace foreshard {
namespace {

/// The probability that `chosen` different ones of `all`, each equally likely, are none of `some`:
/// C(all − some, chosen) / C(all, chosen).
double none_of_some(std::int64_t all, std::int64_t some, std::int64_t chosen) {
  double probability = 1.0;
  for (std::int64_t i = 0; i < chosen && probability > 0.0; ++i)
    probability *=
        static_cast<double>(std::max<std::int64_t>(all - some - i, 0)) / static_cast<double>(all - i);
  return probability;
}

/// C(n, k) for small numbers.
double choose(std::int64_t n, std::int64_t k) {
  if (k < 0 || k > n) return 0.0;
  double ways = 1.0;
  for (std::int64_t i = 0; i < k; ++i) ways *= static_cast<double>(n - i) / static_cast<double>(k - i);
  return ways;
}

/// The probability that a part of `experts_of_part` consecutive experts gets nothing of a token.
double nothing_for_part(const ExpertsSpec& experts, std::int64_t experts_of_part) {
  const std::int64_t in_group = experts.count / experts.groups;
  const std::int64_t candidates = in_group * experts.groups_per_token;
  if (experts_of_part <= in_group) {
    const double chosen = static_cast<double>(experts.groups_per_token) / static_cast<double>(experts.groups);
    return 1.0 - chosen * (1.0 - none_of_some(candidates, experts_of_part, experts.per_token));
  }
  // The part has several groups: sum over how many of them are chosen.
  const std::int64_t groups_of_part = experts_of_part / in_group;
  const double all = choose(experts.groups, experts.groups_per_token);
  double nothing = 0.0;
  for (std::int64_t own = 0; own <= std::min(groups_of_part, experts.groups_per_token); ++own) {
    const double likely = choose(groups_of_part, own) *
                          choose(experts.groups - groups_of_part, experts.groups_per_token - own) / all;
    nothing += likely * none_of_some(candidates, own * in_group, experts.per_token);
  }
  return nothing;
}

}  // namespace

double expected_parts(const ExpertsSpec& experts, std::int64_t parts) {
  return static_cast<double>(parts) * (1.0 - nothing_for_part(experts, experts.count / parts));
}

TokenCopies token_copies(const ExpertsSpec& experts, const Group& ep, GroupSpan span) {
  const double ranks = expected_parts(experts, ep.size);
  // Nodes that share no even part of the experts are priced as if each had as many.
  const std::int64_t nodes = experts.count % span.nodes == 0 ? span.nodes : ep.size;
  return {.ranks = ranks, .nodes = std::min(ranks, expected_parts(experts, nodes))};
}

}  // namespace foreshard
