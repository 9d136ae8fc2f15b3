#include "planner/search/best/purchase.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using Catch::Matchers::WithinRel;

namespace {

/// A training of 1e9 tokens, in steps of 16 sequences of 2,048 tokens.
JobSpec small_training() {
  JobSpec job;
  job.model = test::llama_shaped(8, 2048, 8192, 16, 8, 32000);
  job.cluster = test::round_cluster(1, 8);
  job.parallelism.dp = 8;
  job.training.sequence_length = 2048;
  job.training.global_batch = 64;
  job.training.micro_batch = 1;
  job.training.tokens = Tokens(1'000'000'000);
  return job;
}

ClusterSpec priced(const char* name, double dollars_per_hour) {
  ClusterSpec cluster = test::round_cluster(1, 8);
  cluster.name = name;
  cluster.price = DollarsPerSecond(dollars_per_hour / 3600.0);
  return cluster;
}

PurchaseRequest request_for(std::vector<ClusterSpec> clusters) {
  PurchaseRequest request;
  request.job = small_training();
  request.clusters = std::move(clusters);
  request.free = {SearchAxis::tp, SearchAxis::micro_batch};
  request.most_devices = 32;
  return request;
}

}  // namespace

TEST_CASE("with a deadline the smallest size that meets it is chosen, and the cheaper cluster comes first") {
  PurchaseRequest request = request_for({priced("dear", 3.0), priced("cheap", 2.0)});
  request.deadline = Seconds(1e9);  // any size meets it
  Purchase purchase = plan_purchase(request);
  REQUIRE(purchase.ranking == std::vector<std::size_t>{1, 0});
  const PurchaseOption& option = purchase.options.front();
  CHECK(option.sizes[*option.chosen].devices() == 8);
  // Equal clusters take equal time, that of 1e9 / (64 · 2,048) typical steps; rent is price · devices · time.
  const PurchaseSize& size = option.sizes[*option.chosen];
  CHECK_THAT(size.cost()->value(), WithinRel(3.0 / 3600.0 * 8.0 * size.time.value(), 1e-12));
  CHECK_THAT(size.time.value(),
             WithinRel(size.best.estimate().step.typical.time.value() * 1e9 / (64.0 * 2048.0), 1e-12));

  // A little less time than 8 devices need: more devices are needed.
  request.deadline = size.time * 0.9;
  purchase = plan_purchase(request);
  const PurchaseOption& more = purchase.options.front();
  REQUIRE(more.chosen);
  CHECK(more.sizes[*more.chosen].devices() > 8);
  CHECK(more.sizes[*more.chosen].time <= *request.deadline);
}

TEST_CASE("a deadline that nothing meets chooses nothing") {
  PurchaseRequest request = request_for({priced("round", 1.0)});
  request.deadline = Seconds(1.0);
  const Purchase purchase = plan_purchase(request);
  CHECK(purchase.ranking.empty());
  CHECK_FALSE(purchase.options.front().chosen);
  CHECK_FALSE(purchase.options.front().sizes.empty());
}

TEST_CASE("with a budget the fastest size that keeps it is chosen") {
  PurchaseRequest request = request_for({priced("round", 1.0)});
  request.budget = Dollars(1e9);
  const Purchase rich = plan_purchase(request);
  const PurchaseOption& option = rich.options.front();
  REQUIRE(option.chosen);
  for (const PurchaseSize& size : option.sizes) CHECK(option.sizes[*option.chosen].time <= size.time);
  // With as much money as 8 devices cost, the training on 8 is what is left, or one that costs no more.
  request.budget = *option.sizes.front().cost();
  const Purchase poor = plan_purchase(request);
  const PurchaseOption& affordable = poor.options.front();
  REQUIRE(affordable.chosen);
  CHECK(*affordable.sizes[*affordable.chosen].cost() <= *request.budget);
}

TEST_CASE(
    "machines that are owned cost their share of their lifetime and electricity, and the cheaper way "
    "counts") {
  ClusterSpec cluster = priced("both", 3.0);
  cluster.power = Watts(1000.0);
  cluster.idle_per_node = 1;  // bought, too, but it draws nothing
  PurchaseRequest request = request_for({cluster});
  request.deadline = Seconds(1e9);
  request.owned = {{.cluster = "both", .per_device = Dollars(1.0)},
                   {.cluster = "both", .per_device = Dollars(40000.0)}};
  request.owning = {.lifetime = Seconds(1e8), .electricity = Dollars(0.1) / kKilowattHour, .pue = 1.5};
  const Purchase purchase = plan_purchase(request);
  const PurchaseOption& option = purchase.options.front();
  REQUIRE(option.chosen);
  const PurchaseSize& size = option.sizes[*option.chosen];
  REQUIRE(size.devices() == 9);
  const double seconds = size.time.value();
  REQUIRE(size.own);
  // 9 devices of 40,000 USD for seconds / 1e8 of their life; 8 devices of 1 kW, 0.1 USD per kWh, half as much again to cool.
  CHECK_THAT(size.own->machines.value(), WithinRel(9.0 * 40000.0 * seconds / 1e8, 1e-12));
  CHECK_THAT(size.own->electricity.value(), WithinRel(8.0 * 0.1 * 1.5 * seconds / 3600.0, 1e-12));
  CHECK_THAT(size.rent->value(), WithinRel(9.0 * 3.0 * seconds / 3600.0, 1e-12));
  // Per second: 0.0036 + 0.000333 USD, against 0.0075 of rent.
  CHECK(size.cost() == size.own->total());
  CHECK(purchase.owning->pue == 1.5);
}

TEST_CASE("without a price nothing is said about a budget, and with a deadline not about the order") {
  PurchaseRequest request = request_for({priced("priced", 1.0), test::round_cluster(1, 8)});
  request.deadline = Seconds(1e9);
  const Purchase purchase = plan_purchase(request);
  REQUIRE(purchase.ranking == std::vector<std::size_t>{0, 1});
  CHECK_FALSE(purchase.sure.front());
  request.deadline.reset();
  request.budget = Dollars(1e9);
  CHECK(plan_purchase(request).ranking == std::vector<std::size_t>{0});
}
