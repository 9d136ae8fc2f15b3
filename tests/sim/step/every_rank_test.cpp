#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "sim/disturb/over_seeds.hpp"
#include "sim/step/simulate_step.hpp"
#include "tests/sim/step/hand_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"

// Simulations of every rank, with equal and with different ranks.

using namespace foreshard;

namespace {

SimulationResult play(const JobSpec& job, const StepProgram& program, const SimulationOptions& options) {
  NoTimeline nothing;
  return simulate_step(program, price_operations(program, CostModel(job)), nothing, options);
}

/// Two replicas, each with a kernel of 100 ns followed by an all-reduce of 10 ns.
hand::HandProgram two_replicas() {
  hand::HandProgram hand;
  for (const GroupKind kind : {GroupKind::dp, GroupKind::dp_cp, GroupKind::world})
    hand.program.groups[static_cast<std::size_t>(kind)] = {kind, 2, 1};
  const TensorId gradient = hand.tensor("gradient", Lifetime::step);
  hand.run_once(0, hand.block("step", {hand::kernel("work", 100, {hand::write(gradient)}),
                                       hand::collective("all-reduce", GroupKind::dp_cp, Lane::dp, 10,
                                                        {hand::add_to(gradient)})}));
  return hand;
}

SimulationOptions each_rank(Disturbance disturbance = {}) {
  SimulationOptions options;
  options.every_rank = true;
  options.disturbance = std::move(disturbance);
  return options;
}

}  // namespace

TEST_CASE("where nothing disturbs them, all ranks take exactly as long as one for each stage") {
  test::JobDraw draw(7);
  for (int i = 0; i < 60; ++i) {
    JobSpec job = draw.next();
    job.cluster.accelerator.kernels.submit = Seconds(i % 3 == 0 ? 0.0 : 3e-7);
    INFO(test::words_for(job));
    const StepProgram program = build_step_program(job);
    SimulationOptions options;
    options.communication_share = i % 2 == 0 ? 0.0 : 0.12;
    options.read_back = Seconds(1e-6);
    options.blocks_ahead = i % 5 == 0 ? 1 : 64;
    const SimulationResult folded = play(job, program, options);
    options.every_rank = true;
    const SimulationResult every = play(job, program, options);
    CHECK(every.step_time == folded.step_time);
    REQUIRE(every.ranks.size() == static_cast<std::size_t>(job.cluster.devices()));
    for (const RankResult& rank : every.ranks) {
      const RankResult& stage = folded.ranks[rank.stage.at()];
      CHECK(rank.end == stage.end);
      CHECK(rank.compute == stage.compute);
      CHECK(rank.bubble == stage.bubble);
      CHECK(rank.exposed == stage.exposed);
      CHECK(rank.peak == stage.peak);
    }
    // Merged kernels: fewer tasks, but the same step to the picosecond.
    for (const bool every_rank : {false, true}) {
      options.every_rank = every_rank;
      options.totals_only = true;
      const SimulationResult totals = play(job, program, options);
      CHECK(totals.step_time == folded.step_time);
      CHECK(totals.tasks <= (every_rank ? every : folded).tasks);
      CHECK(totals.ranks.front().compute == folded.ranks.front().compute);
    }
  }
}

TEST_CASE("a replica that is slower by a quarter makes the other wait") {
  const hand::HandProgram hand = two_replicas();
  const Disturbance slow = draw({.slowdowns = {{Rank(1), Rank(1), 1.25}}}, 2, 1);
  Timeline timeline;
  const SimulationResult result = hand::simulate(hand, timeline, each_rank(slow));
  CHECK(hand::in_ns(result.step_time) == 135);
  CHECK(hand::in_ns(result.ranks[0].compute) == 100);
  CHECK(hand::in_ns(result.ranks[1].compute) == 125);
  // The faster rank waits 25 ns for the other (bubble), then both all-reduce for 10 ns.
  CHECK(hand::in_ns(result.ranks[0].bubble) == 25);
  CHECK(hand::in_ns(result.ranks[1].bubble) == 0);
  // The spans carry their rank.
  std::map<std::int32_t, int> spans;
  for (const Span& span : timeline.spans()) ++spans[span.rank.value()];
  CHECK(spans == std::map<std::int32_t, int>{{0, 2}, {1, 2}});
}

TEST_CASE("ranks that differ cannot stand for each other") {
  const hand::HandProgram hand = two_replicas();
  SimulationOptions options = each_rank(draw({.slowdowns = {{Rank(1), Rank(1), 1.25}}}, 2, 1));
  options.every_rank = false;
  CHECK_THROWS_AS(hand::simulate(hand, options), std::invalid_argument);
}

TEST_CASE("a slower rank never makes a step shorter, and never longer than by its factor") {
  test::JobDraw jobs(99);
  for (int i = 0; i < 30; ++i) {
    const JobSpec job = jobs.next();
    INFO(test::words_for(job));
    const StepProgram program = build_step_program(job);
    const SimulationResult alike = play(job, program, each_rank());
    const Rank slow(static_cast<std::size_t>(i) % alike.ranks.size());
    const SimulationResult slowed =
        play(job, program, each_rank(draw({.slowdowns = {{slow, slow, 1.5}}}, job.cluster.devices(), 1)));
    CHECK(slowed.step_time >= alike.step_time);
    // 1.5 is a speed of 666,667 parts of a million.
    CHECK(slowed.step_time.seconds().value() <= 1.500001 * alike.step_time.seconds().value());
  }
}

TEST_CASE("draws: the same seed the same, shares and means as asked") {
  constexpr std::int64_t kRanks = 20'000;
  DisturbanceSpec spec;
  spec.stragglers = DisturbanceSpec::Stragglers{.share = 0.02, .least = 1.1, .most = 1.3};
  const Disturbance one = draw(spec, kRanks, 5);
  CHECK(draw(spec, kRanks, 5).speeds == one.speeds);
  CHECK_FALSE(draw(spec, kRanks, 6).speeds == one.speeds);
  const auto slow = std::count_if(one.speeds.begin(), one.speeds.end(), [](Speed s) { return s != Speed{}; });
  // 400 expected, standard deviation √(20000 · 0.02 · 0.98) = 19.8; five of them either way.
  CHECK(slow >= 300);
  CHECK(slow <= 500);
  for (const Speed speed : one.speeds) {
    if (speed == Speed{}) continue;
    CHECK(speed.parts_per_million <= 909'091);  // 1 / 1.1
    CHECK(speed.parts_per_million >= 769'230);  // 1 / 1.3
  }

  DisturbanceSpec spread;
  spread.spread = 0.05;
  double sum = 0.0;
  double squares = 0.0;
  for (const Speed speed : draw(spread, kRanks, 1).speeds) {
    const double factor = 1e6 / static_cast<double>(speed.parts_per_million);
    sum += factor;
    squares += (factor - 1.0) * (factor - 1.0);
  }
  // Mean 1 within five standard errors, 5 · 0.05 / √20000 = 0.0018; deviation within 5%.
  CHECK(sum / kRanks == Approx(1.0).margin(0.0018));
  CHECK(std::sqrt(squares / kRanks) == Approx(0.05).epsilon(0.05));
}

TEST_CASE("jitter has mean one and asks nobody when it is drawn") {
  Disturbance jitter{.speeds = {}, .jitter = 0.1, .seed = 3};
  double sum = 0.0;
  for (std::uint32_t run = 0; run < 20'000; ++run) {
    const SimTime time = jitter.jittered(SimTime(1'000'000), Rank(7), run);
    CHECK(time == jitter.jittered(SimTime(1'000'000), Rank(7), run));
    sum += static_cast<double>(time.picoseconds()) / 1e6;
  }
  CHECK(sum / 20'000 == Approx(1.0).margin(5.0 * 0.1 / std::sqrt(20'000.0)));
  CHECK(jitter.jittered(SimTime(1'000'000), Rank(7), 1) != jitter.jittered(SimTime(1'000'000), Rank(8), 1));
}

TEST_CASE("a slowdown of a rank that is not there is refused") {
  CHECK_THROWS_AS(draw({.slowdowns = {{Rank(2), Rank(8), 1.2}}}, 8, 1), std::out_of_range);
}

TEST_CASE("steps over many seeds are the same for any number of threads") {
  const JobSpec job = test::golden_job();
  const StepProgram program = build_step_program(job);
  DisturbanceSpec spec;
  spec.spread = 0.05;
  spec.jitter = 0.02;
  const auto step = [&](std::uint64_t seed) {
    return play(job, program, each_rank(draw(spec, job.cluster.devices(), seed))).step_time;
  };
  const auto alone = over_seeds(10, 25, 1, step);
  const auto together = over_seeds(10, 25, 4, step);
  REQUIRE(alone.size() == 25);
  std::set<std::uint64_t> seeds;
  for (std::size_t i = 0; i < alone.size(); ++i) {
    CHECK(alone[i].seed == together[i].seed);
    CHECK(alone[i].time == together[i].time);
    if (i > 0) CHECK(alone[i - 1].time <= alone[i].time);
    seeds.insert(alone[i].seed);
  }
  CHECK(seeds.size() == 25);
  CHECK(*seeds.begin() == 10);
  CHECK(percentile(alone, 0.0).time == alone.front().time);
  CHECK(percentile(alone, 0.5).time == alone[12].time);
  CHECK(percentile(alone, 1.0).time == alone.back().time);
  CHECK_THROWS_AS(over_seeds(1, 8, 4,
                             [](std::uint64_t seed) -> SimTime {
                               if (seed == 3) throw std::runtime_error("three");
                               return SimTime(1);
                             }),
                  std::runtime_error);
}
