#include "planner/topology/token_copies.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

ExpertsSpec router(std::int64_t count, std::int64_t per_token, std::int64_t groups = 1,
                   std::int64_t groups_per_token = 1) {
  ExpertsSpec experts;
  experts.count = count;
  experts.per_token = per_token;
  experts.groups = groups;
  experts.groups_per_token = groups_per_token;
  return experts;
}

}  // namespace

TEST_CASE("expected number of parts that a token's experts lie in") {
  // 4 experts, 2 of them per token: 6 pairs. In halves {0, 1} and {2, 3}: 2 pairs lie in one half, 4 in both.
  CHECK(expected_parts(router(4, 2), 2) == Approx((2 * 1 + 4 * 2) / 6.0));
  // Every expert is a part: a token's experts lie in as many parts as there are experts per token.
  CHECK(expected_parts(router(64, 6), 64) == Approx(6.0));
  CHECK(expected_parts(router(64, 6), 1) == Approx(1.0));
}

TEST_CASE("group-limited routing keeps a token within its groups") {
  // 8 experts in 4 groups of 2, one group per token, 2 experts per token: both experts of one group.
  CHECK(expected_parts(router(8, 2, 4, 1), 4) == Approx(1.0));
  CHECK(expected_parts(router(8, 2, 4, 1), 2) == Approx(1.0));
  CHECK(expected_parts(router(8, 2, 4, 1), 8) == Approx(2.0));
  // Two of four groups, in halves of two groups each: 2 of the 6 pairs of groups lie in one half, 4 in both. Of the
  // latter, a token's 2 of 4 candidates (2 in each half) lie in one half 2 times in 6.
  CHECK(expected_parts(router(8, 2, 4, 2), 2) == Approx((2.0 * 1 + 4.0 * (2.0 / 6 * 1 + 4.0 / 6 * 2)) / 6));
  // All groups: as without groups.
  CHECK(expected_parts(router(8, 2, 4, 4), 2) == Approx(expected_parts(router(8, 2), 2)));
}

TEST_CASE("law: a token is copied to at least one node and to at most min(k, nodes)") {
  for (const std::int64_t k : {1, 2, 6, 8})
    for (const std::int64_t groups : {1, 4, 8})
      for (const std::int64_t chosen : {1, 2, 4})
        for (const std::int64_t ep : {2, 8, 16, 64})
          for (const std::int64_t per_node : {1, 2, 4, 8}) {
            if (chosen > groups || k > 64 / groups * chosen || ep % per_node != 0) continue;
            CAPTURE(k, groups, chosen, ep, per_node);
            const GroupSpan span{.per_node = per_node, .nodes = ep / per_node};
            const TokenCopies copies =
                token_copies(router(64, k, groups, chosen), {GroupKind::ep, ep, 1}, span);
            CHECK(copies.nodes >= 1.0 - 1e-9);
            CHECK(copies.nodes <= static_cast<double>(std::min(k, span.nodes)) + 1e-9);
            CHECK(copies.ranks >= copies.nodes - 1e-9);
            CHECK(copies.ranks <= static_cast<double>(std::min(k, ep)) + 1e-9);
          }
}
