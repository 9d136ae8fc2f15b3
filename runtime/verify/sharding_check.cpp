#include "runtime/verify/sharding_check.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "planner/program/build/build_step_program.hpp"
#include "runtime/comm/loopback_communicator.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/execute/mean_loss.hpp"
#include "runtime/shard/shard_map.hpp"
#include "runtime/verify/output_recorder.hpp"

namespace foreshard {
namespace {

/// Accumulates ‖a − b‖² and ‖b‖².
struct Distance {
  double difference = 0.0;  // squared
  double norm = 0.0;        // squared

  void add(double a, double b) { difference += (a - b) * (a - b); }
  /// Relative to the norm of the whole tensor, of which this rank has a share. If that is zero, the absolute
  /// difference.
  [[nodiscard]] double relative() const {
    if (difference == 0.0) return 0.0;
    return norm > 0.0 ? std::sqrt(difference / norm) : std::sqrt(difference);
  }
};

double squared_norm(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value * value;
  return sum;
}

/// One run of a job on this rank: program, plan and executor.
struct Rig {
  Rig(const JobSpec& spec, Device& device, Communicator& communicator)
      : job(spec),
        program(build_step_program(job)),
        plan(program, device, communicator),
        executor(plan, device, communicator),
        recorder(plan, device) {
    executor.initialize();
  }

  JobSpec job;
  StepProgram program;
  RankPlan plan;
  Executor executor;
  OutputRecorder recorder;
};

class RunComparison {
 public:
  RunComparison(const Rig& sharded, const Rig& whole, const Device& device)
      : sharded_(sharded), whole_(whole), device_(device) {
    for (const HeldWeight& held : whole.plan.weights()) whole_weights_[key(whole, held)] = &held;
  }

  [[nodiscard]] double outputs() const {
    if (sharded_.recorder.empty()) return 0.0;
    Distance distance;
    const std::int64_t columns = sharded_.recorder.columns();
    const std::int64_t whole_columns = whole_.recorder.columns();
    const std::int64_t first = sharded_.plan.coordinates().tp * columns;
    const std::int64_t count = std::clamp<std::int64_t>(sharded_.job.model.vocab - first, 0, columns);
    for (const auto& [key, mine] : sharded_.recorder.logits()) {
      const std::int64_t global =
          sharded_.plan.coordinates().dp * sharded_.program.micro_batches + key.second;
      const auto& theirs = whole_.recorder.logits().at({key.first, static_cast<std::int32_t>(global)});
      distance.norm += squared_norm(theirs);
      const TokenRows held = rows_of(sharded_.job);
      const TokenRows all = rows_of(whole_.job);
      for (std::int64_t row = 0; row < held.rows(); ++row) {
        const std::int64_t whole_row = all.row_of(held.place_of(row));
        for (std::int64_t column = 0; column < count; ++column) {
          distance.add(mine[static_cast<std::size_t>(row * columns + column)],
                       theirs[static_cast<std::size_t>(whole_row * whole_columns + first + column)]);
        }
      }
    }
    return distance.relative();
  }

  /// Sets the fields of `errors` for this rank's gradients.
  void gradients(ShardingErrors& errors) const {
    for (const HeldWeight& held : sharded_.plan.weights()) {
      const double error = distance(held, true).relative();
      ++errors.gradients_compared;
      if (error < errors.gradients) continue;
      errors.gradients = error;
      errors.worst_gradient =
          fmt::format("{} of layer {}", sharded_.program.tensor(held.tensor).label, held.layer.value());
    }
  }

  [[nodiscard]] double weights() const {
    double worst = 0.0;
    for (const HeldWeight& held : sharded_.plan.weights())
      worst = std::max(worst, distance(held, false).relative());
    return worst;
  }

 private:
  using Key = std::pair<Meaning, std::int32_t>;
  static Key key(const Rig& rig, const HeldWeight& held) {
    return {rig.program.tensor(held.tensor).meaning, held.layer.value()};
  }

  /// The tokens of a micro-batch on this rank.
  [[nodiscard]] TokenRows rows_of(const JobSpec& job) const {
    return {.batch = job.training.micro_batch,
            .sequence = job.training.sequence_length,
            .shares = job.parallelism.cp,
            .first_share = job.parallelism.cp > 1 ? sharded_.plan.coordinates().cp : 0};
  }

  [[nodiscard]] std::vector<double> read(const Buffer& buffer) const {
    std::vector<double> values(static_cast<std::size_t>(buffer.elements));
    device_.read(buffer, values.data());
    return values;
  }

  [[nodiscard]] Distance distance(const HeldWeight& held, bool gradient) const {
    const HeldWeight& other = *whole_weights_.at(key(sharded_, held));
    const Tensor& tensor = sharded_.program.tensor(held.tensor);
    const std::vector<double> mine = read(gradient ? held.gradient : held.weight);
    const std::vector<double> theirs = read(gradient ? other.gradient : other.weight);
    const ShardMap map = shard_map(tensor, shard_of(sharded_.program, sharded_.plan.coordinates()));

    const Share share = gradient ? held.summed : held.held;
    Distance distance{.norm = squared_norm(theirs)};
    for (std::int64_t i = 0; i < share.elements; ++i) {
      const std::int64_t place = share.first + i;
      const std::int64_t at = map.model_index(place / map.columns, place % map.columns);
      if (at == ShardMap::kPadding) continue;
      distance.add(mine[static_cast<std::size_t>(i)], theirs[static_cast<std::size_t>(at)]);
    }
    return distance;
  }

  const Rig& sharded_;
  const Rig& whole_;
  const Device& device_;
  std::map<Key, const HeldWeight*> whole_weights_;
};

}  // namespace

JobSpec unsharded(JobSpec job) {
  job.parallelism = {};
  job.training.schedule = ScheduleKind::one_f_one_b;
  job.training.recompute = Recompute::none;
  job.training.recompute_layers = AllLayers{};
  job.training.loss = {};
  job.training.overlap.ep = EpOverlap::none;
  job.training.delay_wgrad = false;
  return job;
}

namespace {

/// √(2/12) of the distance between numbers of a format, relative to the smallest of an exponent: what rounding a number in
/// two independent ways makes.
constexpr double kTwoRoundings = 0.41;
constexpr double kE4m3Distance = 1.0 / 8;
constexpr double kE5m2Distance = 1.0 / 4;
constexpr double kQuantisedOfLayer =
    4.0;  // what goes into the projections of attention and FFN, or comes back

bool is_quantised(const JobSpec& job) {
  return is_scaled(product_type(job.training.precision, job.training.fp8_scaling));
}

/// A random walk of as many roundings as a number goes through in all layers.
double walk(const JobSpec& job, double distance) {
  return kTwoRoundings * distance * std::sqrt(kQuantisedOfLayer * static_cast<double>(job.model.layers));
}

}  // namespace

double outputs_bound(const JobSpec& job) {
  if (job.training.precision == Precision::fp32) return 1e-5;
  const double of_bf16 = std::sqrt(8.0 * static_cast<double>(job.model.layers + 1)) / 256.0;
  return is_quantised(job) ? std::hypot(of_bf16, walk(job, kE4m3Distance)) : of_bf16;
}

double gradients_bound(const JobSpec& job) {
  const double of_forward = (job.training.precision == Precision::fp32 ? 1.0 : 2.0) * outputs_bound(job);
  return is_quantised(job) ? std::hypot(of_forward, walk(job, kE5m2Distance)) : of_forward;
}

ShardingErrors compare_with_unsharded(const JobSpec& job, Device& device, Communicator& communicator,
                                      int steps) {
  LoopbackCommunicator alone;
  Rig sharded(job, device, communicator);
  Rig whole(unsharded(job), device, alone);

  ShardingErrors errors;
  errors.unsharded_loss = whole.executor.run_step(&whole.recorder);
  sharded.executor.replay(&whole.recorder.routes());
  const double loss = mean_loss(sharded.plan, sharded.executor.run_step(&sharded.recorder), communicator);
  errors.loss = std::abs(loss / errors.unsharded_loss - 1.0);
  const RunComparison comparison(sharded, whole, device);
  errors.outputs = communicator.max_over_world(comparison.outputs());
  comparison.gradients(errors);
  errors.gradients = communicator.max_over_world(errors.gradients);
  for (int step = 1; step < steps; ++step) {
    whole.executor.run_step(&whole.recorder);
    sharded.executor.run_step();
  }
  errors.weights = communicator.max_over_world(comparison.weights());
  errors.tokens_rerouted = static_cast<std::int64_t>(
      communicator.sum_over_world(static_cast<double>(sharded.executor.tokens_rerouted())));
  return errors;
}

}  // namespace foreshard
