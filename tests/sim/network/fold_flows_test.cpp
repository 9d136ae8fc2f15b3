#include "sim/network/fold_flows.hpp"

#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

FlowPattern over(std::vector<LinkUse> uses) { return {.uses = std::move(uses), .share = 1.0}; }

}  // namespace

TEST_CASE("groups on links of their own fold into one, on one of the links") {
  const std::vector<BytesPerSecond> links(3, BytesPerSecond(10.0));
  const std::vector<GroupFlows> groups{{0, over({{0}})}, {0, over({{1}})}, {0, over({{2}})}};
  const auto folded = fold(groups, links);
  REQUIRE(folded);
  REQUIRE(folded->patterns.size() == 1);
  CHECK(folded->patterns[0].uses == std::vector<LinkUse>{{0, 1.0}});
  CHECK(folded->alike == std::vector<std::uint32_t>{3, 0, 0});
}

TEST_CASE("groups that share a link fold into one with the flows of both") {
  // Two groups each on links 0 and 1, and a group of a second kind on both links.
  const std::vector<BytesPerSecond> links(2, BytesPerSecond(10.0));
  const std::vector<GroupFlows> groups{{0, over({{0}})},
                                       {0, over({{0}})},
                                       {0, over({{1}})},
                                       {0, over({{1}})},
                                       {1, over({{0, 3.0}, {1, 3.0}})}};
  const auto folded = fold(groups, links);
  REQUIRE(folded);
  CHECK(folded->patterns[0].uses == std::vector<LinkUse>{{0, 2.0}});
  CHECK(folded->patterns[1].uses == std::vector<LinkUse>{{0, 3.0}});
}

TEST_CASE("groups that meet others, or another link, do not fold") {
  const std::vector<BytesPerSecond> links(2, BytesPerSecond(10.0));
  // The first group shares its link with a group of another kind; the second group does not.
  const std::vector<GroupFlows> met{{0, over({{0}})}, {0, over({{1}})}, {1, over({{0}})}};
  CHECK_FALSE(fold(met, links));
  // The groups are equivalent except for a slower link.
  const std::vector<BytesPerSecond> unequal{BytesPerSecond(10.0), BytesPerSecond(9.0)};
  const std::vector<GroupFlows> alone{{0, over({{0}})}, {0, over({{1}})}};
  CHECK(fold(alone, links));
  CHECK_FALSE(fold(alone, unequal));
  // The difference is two hops away: in a chain 0–1–2 the ends differ from the middle.
  const std::vector<BytesPerSecond> three(3, BytesPerSecond(10.0));
  const std::vector<GroupFlows> chain{{0, over({{0}, {1}})}, {0, over({{1}, {2}})}, {0, over({{2}})}};
  CHECK_FALSE(fold(chain, three));
}
