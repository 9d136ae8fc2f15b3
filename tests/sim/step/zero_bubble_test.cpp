// The laws of the zero-bubble schedules, checked with the engine and with the planner's sum over the same
// orders.

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "planner/cost/step/pipeline_play.hpp"
#include "tests/sim/step/hand_program.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::hand;

namespace {

/// Times of the passes of one micro-batch on one stage, in nanoseconds.
struct Passes {
  std::int64_t forward = 0;
  std::int64_t backward = 0;
  std::int64_t weight = 0;
  [[nodiscard]] std::int64_t sum() const { return forward + backward + weight; }
};

PipelineShape split_schedule(ScheduleKind kind, std::int64_t p, std::int64_t m, const Passes& passes) {
  return {.schedule = {.kind = kind, .stages = p, .chunks = runs_in_v(kind) ? 2 : 1, .micro_batches = m},
          .forward_ns = passes.forward,
          .backward_ns = passes.backward,
          .weight_ns = passes.weight};
}

PipelineShape zero_bubble(std::int64_t p, std::int64_t m, const Passes& passes) {
  return split_schedule(ScheduleKind::zero_bubble, p, m, passes);
}

PipelineShape overlapped(PipelineShape shape) {
  shape.steps_overlap = true;
  return shape;
}

/// The same work under 1F1B: weight gradients are part of backward.
PipelineShape one_f_one_b(std::int64_t p, std::int64_t m, const Passes& passes) {
  return {.schedule = {.kind = ScheduleKind::one_f_one_b, .stages = p, .micro_batches = m},
          .forward_ns = passes.forward,
          .backward_ns = passes.backward + passes.weight};
}

std::int64_t simulated(const PipelineShape& shape) {
  return in_ns(simulate(make_pipeline(shape), {.critical_path = false}).step_time);
}

/// The step time by the planner's play_pipeline.
double summed(const PipelineShape& shape, std::vector<Passes> by_stage = {}) {
  const HandProgram hand = make_pipeline(shape);
  by_stage.resize(hand.program.stages.size(), {shape.forward_ns, shape.backward_ns, shape.weight_ns});
  std::vector<StagePlay> plays;
  for (const Passes& passes : by_stage) {
    StagePlay& play = plays.emplace_back();
    play.chunks.resize(static_cast<std::size_t>(shape.schedule.chunks));
    for (auto& chunk : play.chunks) {
      for (std::size_t pass = 0; pass < chunk.size(); ++pass) {
        PassPlay::Times times;
        times.lanes.compute = nanoseconds(std::array{passes.forward, passes.backward, passes.weight}[pass]);
        chunk[pass] = {times, times, times};
      }
    }
  }
  const PipelineTimes times = play_pipeline(hand.program, plays);
  Seconds step;
  for (std::size_t s = 0; s < plays.size(); ++s) step = std::max(step, times.end[s] - times.lead[s]);
  return step.value() * 1e9;
}

}  // namespace

TEST_CASE("two stages and two micro-batches of zero-bubble, worked out by hand") {
  // F 1, B 2, W 1.5 µs, free transfers:
  //   stage 0: F0 [0,1) F1 [1,2)                    B0 [4,6) W0 [6,7.5) B1 [7.5,9.5) W1 [9.5,11)
  //   stage 1: F0 [1,2) B0 [2,4) F1 [4,5) B1 [5,7)  W0 [7,8.5) W1 [8.5,10)
  const HandProgram hand = make_pipeline(zero_bubble(2, 2, {1000, 2000, 1500}));
  Timeline timeline;
  const SimulationResult result = simulate(hand, timeline);
  CHECK(in_ns(result.step_time) == 11'000);
  const auto at = [&](const char* name, std::int32_t stage) {
    std::vector<std::pair<std::int64_t, std::int64_t>> times;
    for (const Span& span : spans_named(hand, timeline, name)) {
      if (span.stage == StageId(stage)) times.emplace_back(span.start / 1000, span.end / 1000);
    }
    return times;
  };
  using Times = std::vector<std::pair<std::int64_t, std::int64_t>>;
  CHECK(at("backward", 1) == Times{{2000, 4000}, {5000, 7000}});
  CHECK(at("weight", 1) == Times{{7000, 8500}, {8500, 10'000}});
  CHECK(at("backward", 0) == Times{{4000, 6000}, {7500, 9500}});
  CHECK(at("weight", 0) == Times{{6000, 7500}, {9500, 11'000}});
  // Idle: stage 0 [2,4), stage 1 [0,1) and [10,11).
  CHECK(in_ns(result.ranks[0].bubble) == 2000);
  CHECK(in_ns(result.ranks[1].bubble) == 2000);
}

TEST_CASE("zero-bubble of equal passes idles p-1 passes, where there are as many micro-batches as stages") {
  const Passes equal{1000, 1000, 1000};
  for (std::int64_t p = 2; p <= 8; ++p) {
    for (std::int64_t m = p; m <= 24; ++m) {
      INFO("p " << p << " m " << m);
      const PipelineShape shape = zero_bubble(p, m, equal);
      // (p − 1)·(F + B − W), against 1F1B's (p − 1)·(F + B + W).
      CHECK(simulated(shape) == (3 * m + p - 1) * 1000);
      CHECK(summed(shape) == Approx(static_cast<double>(3 * m + p - 1) * 1000.0).epsilon(1e-12));
      for (const RankResult& stage : simulate(make_pipeline(shape)).ranks) {
        CHECK(in_ns(stage.compute) == 3 * m * 1000);
        CHECK(in_ns(stage.bubble) == (p - 1) * 1000);
      }
    }
  }
}

TEST_CASE("zero-bubble of unequal passes idles (p-1) max(F, B, F + B - W)") {
  for (const std::int64_t p : {2, 3, 5, 8}) {
    for (const std::int64_t m : {p, p + 1, 3 * p}) {
      for (const std::int64_t forward : {500, 1000, 1700}) {
        for (const std::int64_t backward : {400, 1000, 1200, 2500}) {
          for (const std::int64_t weight : {100, 800, 1000, 3000}) {
            INFO("p " << p << " m " << m << " F " << forward << " B " << backward << " W " << weight);
            const Passes passes{forward, backward, weight};
            const std::int64_t idle = (p - 1) * std::max({forward, backward, forward + backward - weight});
            const PipelineShape shape = zero_bubble(p, m, passes);
            CHECK(simulated(shape) == m * passes.sum() + idle);
            CHECK(summed(shape) == Approx(static_cast<double>(m * passes.sum() + idle)).epsilon(1e-12));
          }
        }
      }
    }
  }
}

TEST_CASE("zero-bubble idles at least (p-1) F and is never longer than 1F1B") {
  std::mt19937_64 engine(20'240'110);
  const auto draw = [&] {
    return static_cast<std::int64_t>(50 + engine() % (engine() % 3 == 0 ? 4000 : 900));
  };
  for (std::int64_t p = 2; p <= 8; ++p) {
    for (std::int64_t m = 1; m <= 24; ++m) {
      std::vector<Passes> several{{1000, 1200, 800}};
      while (several.size() < 4) several.push_back({draw(), draw(), draw()});
      for (const Passes& passes : several) {
        INFO("p " << p << " m " << m << " F " << passes.forward << " B " << passes.backward << " W "
                  << passes.weight);
        const std::int64_t found = simulated(zero_bubble(p, m, passes));
        CHECK(found >= m * passes.sum() + (p - 1) * passes.forward);
        CHECK(found <= simulated(one_f_one_b(p, m, passes)));
        CHECK(summed(zero_bubble(p, m, passes)) == Approx(static_cast<double>(found)).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("two stages and three micro-batches of ZB-H2, worked out by hand") {
  // F, B, W 1 µs, free transfers:
  //   stage 0: F0 [0,1) F1 [1,2) F2 [2,3)        B0 [3,4) W0 [4,5) B1 [5,6) W1 [6,7) B2 [7,8) W2 [8,9)
  //   stage 1: F0 [1,2) B0 [2,3) F1 [3,4) B1 [4,5) F2 [5,6) B2 [6,7) W0 [7,8) W1 [8,9) W2 [9,10)
  // One step on its own takes 10 µs. Each stage works 9 µs without a pause: steps that overlap follow in 9 µs.
  const PipelineShape shape = split_schedule(ScheduleKind::zero_bubble_2p, 2, 3, {1000, 1000, 1000});
  CHECK(simulated(shape) == 10'000);
  const SimulationResult overlap = simulate(make_pipeline(overlapped(shape)));
  CHECK(in_ns(overlap.step_time) == 9000);
  for (const RankResult& stage : overlap.ranks) {
    CHECK(in_ns(stage.compute) == 9000);
    CHECK(in_ns(stage.bubble) == 0);
  }
}

TEST_CASE("ZB-H2 and ZB-V of equal passes idle p-1 passes, and none where steps overlap") {
  const Passes equal{1000, 1000, 1000};
  for (const ScheduleKind kind : {ScheduleKind::zero_bubble_2p, ScheduleKind::zb_v}) {
    for (std::int64_t p = 2; p <= 6; ++p) {
      for (const std::int64_t m : {2 * p - 1, 2 * p, 4 * p}) {
        INFO(static_cast<int>(kind) << " p " << p << " m " << m);
        const PipelineShape shape = split_schedule(kind, p, m, equal);
        const std::int64_t work = 3 * shape.schedule.chunks * m;
        CHECK(simulated(shape) == (work + p - 1) * 1000);
        CHECK(summed(shape) == Approx(static_cast<double>(work + p - 1) * 1000.0).epsilon(1e-12));
        CHECK(simulated(overlapped(shape)) == work * 1000);
        CHECK(summed(overlapped(shape)) == Approx(static_cast<double>(work) * 1000.0).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("DualPipeV of equal passes idles p-1 passes") {
  for (std::int64_t p = 2; p <= 6; ++p) {
    for (const std::int64_t m : {2 * p, 2 * p + 1, 5 * p}) {
      INFO("p " << p << " m " << m);
      const PipelineShape shape = split_schedule(ScheduleKind::dualpipe_v, p, m, {1000, 1000, 1000});
      CHECK(simulated(shape) == (6 * m + p - 1) * 1000);
      CHECK(summed(shape) == Approx(static_cast<double>(6 * m + p - 1) * 1000.0).epsilon(1e-12));
    }
  }
}

TEST_CASE("every instant of a step that overlaps others has one cause, and plan and simulation agree on it") {
  std::mt19937_64 engine(20'241'201);
  const auto draw = [&] { return static_cast<std::int64_t>(100 + engine() % 2000); };
  for (const ScheduleKind kind : {ScheduleKind::zero_bubble, ScheduleKind::zero_bubble_2p, ScheduleKind::zb_v,
                                  ScheduleKind::dualpipe_v}) {
    for (std::int64_t p = 2; p <= 4; ++p) {
      for (const std::int64_t m : {2 * p, 3 * p + 1}) {
        const PipelineShape alone = split_schedule(kind, p, m, {draw(), draw(), draw()});
        const PipelineShape shape = overlapped(alone);
        INFO(static_cast<int>(kind) << " p " << p << " m " << m);
        const SimulationResult result = simulate(make_pipeline(shape));
        CHECK(summed(shape) == Approx(static_cast<double>(in_ns(result.step_time))).epsilon(1e-12));
        CHECK(in_ns(result.step_time) <= simulated(alone));
        for (const RankResult& stage : result.ranks) {
          CHECK(in_ns(stage.compute) + in_ns(stage.bubble) == in_ns(result.step_time));
          CHECK(in_ns(stage.bubble) >= 0);
        }
      }
    }
  }
}

TEST_CASE("zero-bubble keeps p micro-batches at most, and as many before their backward as 1F1B") {
  for (const std::int64_t m : {2, 4, 9}) {
    const PipelineShape shape = zero_bubble(4, m, {1000, 1000, 1000});
    const HandProgram hand = make_pipeline(shape);
    Timeline timeline;
    simulate(hand, timeline);
    for (std::int32_t s = 0; s < 4; ++s) {
      // +1 when a forward starts, −1 when the pass ends; an end counts before a start at the same time.
      const auto most_until = [&](Pass last) {
        std::vector<std::pair<std::int64_t, int>> changes;
        for (const Span& span : timeline.spans()) {
          if (span.stage != StageId(s) || span.lane != Lane::compute) continue;
          const Pass pass = hand.program.block(span.block).pass;
          if (pass == Pass::forward) changes.emplace_back(span.start, 1);
          if (pass == last) changes.emplace_back(span.end, -1);
        }
        std::sort(changes.begin(), changes.end());
        std::int64_t now = 0;
        std::int64_t most = 0;
        for (const auto& [time, change] : changes) most = std::max(most, now += change);
        return most;
      };
      CHECK(most_until(Pass::weight) == std::min<std::int64_t>(m, 4));
      CHECK(most_until(Pass::weight) == peak_in_flight(shape.schedule, StageId(s)));
      CHECK(most_until(Pass::backward) == std::min<std::int64_t>(m, 4 - s));
    }
  }
}
