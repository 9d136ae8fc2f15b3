#include "runtime/execute/routing.hpp"

#include <cmath>
#include <stdexcept>

#include "planner/program/build/build_step_program.hpp"
#include "runtime/comm/loopback_communicator.hpp"
#include "runtime/comm/solo_communicator.hpp"
#include "runtime/device/reference/reference_device.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/execute/planned_routes.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

/// Four tokens, of which each goes to two of four experts.
JobSpec four_tokens(std::int64_t ep) {
  JobSpec job = sharded(tiny_job(false), {.dp = ep, .ep = ep});
  job.model.hidden = 32;
  job.model.experts = ExpertsSpec{.count = 4, .per_token = 2, .hidden = 8};
  job.training.sequence_length = 4;
  job.training.micro_batch = 1;
  return job;
}

/// What the plan says of their routing on one rank.
RoutedShape shape_of(const JobSpec& job, const Coordinates& at, std::int64_t room) {
  const StepProgram program = build_step_program(job);
  for (const Block& block : program.blocks) {
    if (auto shape = routed_shape(program, block, at)) {
      shape->room = room;
      return *shape;
    }
  }
  throw std::runtime_error("the program has no router");
}

/// Experts {2,0}, {1,2}, {2,3}, {0,1}, with some weights.
const std::vector<double> kRoutes = {2, 0, .5, .5, 1, 2, .5, .5, 2, 3, .5, .5, 0, 1, .5, .5};

TEST_CASE("rows stand by expert, and within an expert by token") {
  Routing routing(shape_of(four_tokens(1), {}, 8), LayerId(0));
  routing.take(kRoutes);
  LoopbackCommunicator alone;
  routing.exchange(alone);
  CHECK((routing.own_counts() == std::vector<std::int64_t>{2, 2, 3, 1}));
  // Expert 0 has tokens 0 and 3 in rows 0 and 1, expert 1 tokens 1 and 3, expert 2 tokens 0, 1, 2, expert 3
  // token 2.
  CHECK((routing.places() == std::vector<std::int64_t>{4, 0, 2, 5, 6, 7, 1, 3}));
  CHECK(routing.rows().total == 8);
  REQUIRE(routing.rows().runs.size() == 4);
  CHECK(routing.rows().runs[2].expert == 2);
  CHECK(routing.rows().runs[2].first == 4);
  CHECK(routing.rows().runs[2].rows == 3);
}

TEST_CASE("rows that arrive stand by the member that sent them; members count each other's") {
  const JobSpec job = four_tokens(2);
  ReferenceDevice device;
  // The other member is taken to route as this one does.
  SoloCommunicator solo(DeviceMesh(job.parallelism), Rank(1), device);
  Routing routing(shape_of(job, {.dp = 1}, 8), LayerId(0));
  routing.take(kRoutes);
  routing.exchange(solo);
  // Experts 2 and 3 are this member's: 3 + 1 rows from each of the two. Elements are rows of 32.
  CHECK((routing.sent() == std::vector<std::int64_t>{4 * 32, 4 * 32}));
  CHECK((routing.arrived() == std::vector<std::int64_t>{4 * 32, 4 * 32}));
  REQUIRE(routing.rows().runs.size() == 4);
  CHECK(routing.rows().runs[2].expert == 0);
  CHECK(routing.rows().runs[2].first == 4);
  CHECK(routing.rows().runs[3].rows == 1);
}

TEST_CASE("more rows than there is room for are refused, with the imbalance that would hold them") {
  const JobSpec job = four_tokens(2);
  ReferenceDevice device;
  SoloCommunicator solo(DeviceMesh(job.parallelism), Rank(0), device);
  Routing routing(shape_of(job, {}, 8), LayerId(3));
  // Experts 0 and 1, which are this member's, for all four tokens of both members: 16 rows where 8 are even.
  routing.take(std::vector<double>{0, 1, .5, .5, 0, 1, .5, .5, 1, 0, .5, .5, 0, 1, .5, .5});
  CHECK_THROWS_WITH(routing.exchange(solo),
                    ContainsSubstring("layer 3 routes 16 rows to one rank's experts") &&
                        ContainsSubstring("makes room for 8: say 2.00 or more (at most 2"));
}

TEST_CASE("a token is sent where it went before, with the weights that its logits give") {
  // Logits 0, ln 2, ln 6, 0: the two largest are 2 and 1. Sent to 0 and 2 they weigh 1 to 6.
  const std::vector<double> logits = {0.0, std::log(2.0), std::log(6.0), 0.0};
  std::vector<double> route = {2, 1, 0.75, 0.25};
  const std::vector<double> same = {1, 2};
  CHECK(!reroute(route.data(), same.data(), 2, logits.data()));
  CHECK((route == std::vector<double>{2, 1, 0.75, 0.25}));
  const std::vector<double> other = {0, 2};
  CHECK(reroute(route.data(), other.data(), 2, logits.data()));
  CHECK(route[0] == 0);
  CHECK(route[1] == 2);
  CHECK(route[2] == Approx(1.0 / 7.0));
  CHECK(route[3] == Approx(6.0 / 7.0));
}

TEST_CASE("a step replays the routes of another") {
  JobSpec job = four_tokens(1);
  job.training.global_batch = 1;
  ReferenceDevice device;
  LoopbackCommunicator alone;
  const StepProgram program = build_step_program(job);
  RankPlan plan(program, device, alone);
  Executor executor(plan, device, alone);
  executor.initialize();
  RouteRecord record;
  for (int layer = 0; layer < 4; ++layer) record.keep(LayerId(layer), 0, kRoutes);
  executor.replay(&record);
  executor.run_step();
  CHECK(executor.tokens_rerouted() > 0);
  for (const auto& [key, routing] : plan.routings())
    CHECK((routing.own_counts() == std::vector<std::int64_t>{2, 2, 3, 1}));
}

TEST_CASE(
    "routes as planned: this rank's experts get the imbalance, the others the rest, tokens different ones") {
  // 8 rows. Even, each of four experts has 2; with an imbalance of 1.5, experts 2 and 3 of the second member
  // have 3, which leaves 1 for each other.
  CHECK((planned_routes(shape_of(four_tokens(1), {}, 8)) ==
         std::vector<double>{0, 2, .5, .5, 0, 2, .5, .5, 1, 3, .5, .5, 1, 3, .5, .5}));
  JobSpec uneven = four_tokens(2);
  uneven.model.experts->imbalance = 1.5;
  CHECK((planned_routes(shape_of(uneven, {.dp = 1}, 12)) ==
         std::vector<double>{0, 2, .5, .5, 1, 3, .5, .5, 2, 3, .5, .5, 2, 3, .5, .5}));
  // An expert takes a token once: no more than four.
  uneven.model.experts->imbalance = 5.0;
  Routing routing(shape_of(uneven, {}, 16), LayerId(0));
  routing.take(planned_routes(shape_of(uneven, {}, 16)));
  CHECK((routing.own_counts() == std::vector<std::int64_t>{4, 4, 0, 0}));
}

TEST_CASE("a rank alone routes as planned, and its buffers have room for that") {
  JobSpec job = four_tokens(2);
  job.model.experts->imbalance = 1.5;
  job.training.global_batch = 2;
  ReferenceDevice device;
  SoloCommunicator solo(DeviceMesh(job.parallelism), Rank(1), device);
  const StepProgram program = build_step_program(job);
  RankPlan plan(program, device, solo);
  Executor executor(plan, device, solo);
  executor.initialize_for_timing();
  executor.route_as_planned();
  executor.run_step();
  REQUIRE(!plan.routings().empty());
  // As many rows from the other member, who is taken to route likewise.
  for (const auto& [key, routing] : plan.routings()) CHECK(routing.rows().total == 12);
}

}  // namespace
}  // namespace foreshard::test
