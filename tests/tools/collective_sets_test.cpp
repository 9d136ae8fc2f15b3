#include "tools/collective_sets.hpp"

#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::tools;

namespace {
const std::filesystem::path kConfigs = std::filesystem::path(FORESHARD_SOURCE_DIR) / "configs";
}

TEST_CASE("every measured set of collectives is predicted as well as its line says") {
  const std::vector<CollectiveSet> sets = load_collective_sets(kConfigs);
  REQUIRE(sets.size() >= 20);
  for (const CollectiveSet& set : sets) {
    INFO(set.name);
    REQUIRE_FALSE(set.samples.empty());
    CHECK(mean_error(set) <= set.mean_error_at_most);
  }
}

TEST_CASE("errors of a set are those of its samples") {
  // Plain nodes of two: a ring all-reduce of 1 GB takes 2 steps of 1 us and 1 GB / (1 GB/s) = 1 s.
  CollectiveSet set;
  set.cluster.devices_per_node = 2;
  set.cluster.link = {BytesPerSecond(1e9), 1.0, Seconds(1e-6)};
  const CollectiveSample sample{.kind = CollectiveKind::all_reduce,
                                .span = {.per_node = 2, .nodes = 1},
                                .payload = Bytes(1'000'000'000),
                                .measured = Seconds(2.0),
                                .forced = {}};
  set.samples = {sample, sample};
  set.samples[1].measured = Seconds(0.8);
  CHECK(predict(set.cluster, sample).time.value() == Approx(1.000002));
  // Half too fast and a quarter too slow.
  CHECK(mean_error(set) == Approx(0.375).epsilon(1e-4));
  CHECK(bias(set) == Approx(-0.125).epsilon(1e-4));
  CHECK(mean_error(set, Bytes(2'000'000'000)) == 0.0);
}
