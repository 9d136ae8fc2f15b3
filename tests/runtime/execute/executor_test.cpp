#include "runtime/execute/executor.hpp"

#include <cmath>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "runtime/comm/loopback_communicator.hpp"
#include "runtime/device/reference/reference_device.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

/// A job on one rank, ready to run.
struct OneRank {
  explicit OneRank(JobSpec spec)
      : job(std::move(spec)),
        program(build_step_program(job)),
        plan(program, device, communicator),
        executor(plan, device, communicator) {
    executor.initialize();
  }

  [[nodiscard]] std::vector<double> read(const Buffer& buffer) const {
    std::vector<double> values(static_cast<std::size_t>(buffer.elements));
    device.read(buffer, values.data());
    return values;
  }
  [[nodiscard]] const HeldWeight& weight(std::string_view name) const {
    for (const HeldWeight& held : plan.weights()) {
      if (program.tensor(held.tensor).label == name) return held;
    }
    throw std::logic_error("no such weight");
  }

  JobSpec job;
  ReferenceDevice device;
  LoopbackCommunicator communicator;
  StepProgram program;
  RankPlan plan;
  Executor executor;
};

/// The losses of three steps of a program, and the weights that they leave.
struct Trained {
  std::vector<double> losses;
  std::vector<std::vector<double>> weights;
};

Trained train(const StepProgram& program) {
  ReferenceDevice device;
  LoopbackCommunicator communicator;
  RankPlan plan(program, device, communicator);
  Executor executor(plan, device, communicator);
  executor.initialize();
  Trained trained;
  for (int step = 0; step < 3; ++step) trained.losses.push_back(executor.run_step());
  for (const HeldWeight& held : plan.weights()) {
    trained.weights.emplace_back(static_cast<std::size_t>(held.weight.elements));
    device.read(held.weight, trained.weights.back().data());
  }
  return trained;
}

/// Jobs of one rank that together have every kind of layer that the runtime executes.
std::vector<JobSpec> executable_jobs() {
  std::vector<JobSpec> jobs{sharded(tiny_job(true), {}), sharded(tiny_job(false), {})};
  jobs.push_back(jobs[1]);  // norms of the heads of q and k, a table that is not tied and not full
  jobs.back().model.qk_norm = true;
  jobs.push_back(jobs[1]);
  jobs.back().model.kv_heads = jobs.back().model.heads;
  jobs.back().model.mla =
      MlaSpec{.q_rank = 12, .kv_rank = 8, .nope_head_dim = 6, .rope_head_dim = 4, .v_head_dim = 5};
  jobs.push_back(jobs[1]);
  jobs.back().model.experts =
      ExpertsSpec{.count = 4, .per_token = 2, .hidden = 12, .shared_hidden = 8, .dense_layers = 1};
  jobs.push_back(jobs[1]);
  jobs.back().training.recompute = Recompute::full;
  return jobs;
}

TEST_CASE("a program that is read from its JSON form trains like the one that was emitted, without its job") {
  for (JobSpec& job : executable_jobs()) {
    job.training.global_batch = 4;
    const StepProgram emitted = build_step_program(job);
    const StepProgram read = program_from_json(to_json(emitted));
    const Trained expected = train(emitted);
    const Trained trained = train(read);
    CHECK(trained.losses == expected.losses);
    CHECK(trained.weights == expected.weights);
    CHECK(trained.losses.front() != trained.losses.back());  // it learns something
  }
}

TEST_CASE("the gradient of a weight is the slope of the loss") {
  // Central differences on a few weights of every kind; plain sgd, so that a step with learning rate 0
  // changes nothing.
  JobSpec job = sharded(tiny_job(true), {});
  job.training.optimizer = OptimizerKind::sgd;
  job.training.global_batch = 2;
  OneRank rank(job);
  rank.plan.optimizer().learning_rate = 0.0;
  rank.executor.run_step();
  constexpr double kStep = 1e-5;
  for (const std::string_view name :
       {"embedding.weight", "positions.weight", "layer.attn_norm.weight", "layer.attn_norm.bias",
        "layer.qkv.weight", "layer.qkv.bias", "layer.out.weight", "layer.out.bias", "layer.up.weight",
        "layer.up.bias", "layer.down.weight", "layer.down.bias", "head.norm.weight", "head.norm.bias",
        "head.weight"}) {
    CAPTURE(name);
    const HeldWeight& held = rank.weight(name);
    const std::vector<double> gradient = rank.read(held.gradient);
    std::vector<double> values = rank.read(held.weight);
    // The element with the steepest slope: a zero would say nothing.
    std::size_t at = 0;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      if (std::abs(gradient[i]) > std::abs(gradient[at])) at = i;
    }
    const double slope = gradient[at];
    REQUIRE(std::abs(slope) > 1e-6);
    const double before = values[at];
    const auto loss_at = [&](double value) {
      values[at] = value;
      rank.device.write(held.weight, values.data());
      return rank.executor.run_step();
    };
    const double difference = (loss_at(before + kStep) - loss_at(before - kStep)) / (2.0 * kStep);
    loss_at(before);
    CHECK(difference == Approx(slope).epsilon(1e-6).margin(1e-10));
  }
}

TEST_CASE("a step of sgd moves weights against their gradients, clipped by their norm") {
  JobSpec job = sharded(tiny_job(false), {});
  job.training.optimizer = OptimizerKind::sgd;
  OneRank rank(job);
  rank.plan.optimizer().learning_rate = 0.5;
  rank.plan.optimizer().clip_norm = 1e-3;
  std::vector<std::vector<double>> before;
  for (const HeldWeight& held : rank.plan.weights()) before.push_back(rank.read(held.weight));
  rank.executor.run_step();
  double squares = 0.0;
  for (const HeldWeight& held : rank.plan.weights()) {
    for (const double g : rank.read(held.gradient)) squares += g * g;
  }
  const double scale = 1e-3 / std::sqrt(squares);
  REQUIRE(scale < 1.0);
  for (std::size_t w = 0; w < before.size(); ++w) {
    const HeldWeight& held = rank.plan.weights()[w];
    const std::vector<double> gradient = rank.read(held.gradient);
    const std::vector<double> after = rank.read(held.weight);
    for (std::size_t i = 0; i < after.size(); i += 7)
      CHECK(after[i] == Approx(before[w][i] - 0.5 * scale * gradient[i]).epsilon(1e-6).margin(1e-12));
  }
}

TEST_CASE("the same steps give the same bits") {
  const JobSpec job = sharded(tiny_job(false), {});
  OneRank one(job);
  OneRank other(job);
  for (int step = 0; step < 3; ++step) CHECK(one.executor.run_step() == other.executor.run_step());
  one.executor.initialize();
  other.executor.initialize();
  CHECK(one.executor.run_step() == other.executor.run_step());
}

TEST_CASE("a timeline has a span for every operation, in order, within the step") {
  OneRank rank(sharded(tiny_job(false), {}));
  rank.executor.run_step();
  Timeline timeline;
  rank.executor.report(timeline);
  REQUIRE(timeline.spans().size() == rank.plan.ops().size());
  Picoseconds last = 0;
  for (const Span& span : timeline.spans()) {
    CHECK(span.start >= last);
    CHECK(span.end >= span.start);
    last = span.end;
  }
  CHECK(Seconds(1e-12 * static_cast<double>(last)) <= rank.executor.step_time() + Seconds(1e-9));
  CHECK(rank.executor.waited() == Seconds(0.0));
}

}  // namespace
}  // namespace foreshard::test
