#include "planner/cost/step/estimate.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/block_cost.hpp"
#include "planner/cost/step/check_estimate.hpp"
#include "planner/cost/step/error_band.hpp"
#include "planner/cost/step/model_figures.hpp"
#include "planner/cost/step/pipeline_play.hpp"
#include "planner/cost/step/stage_play.hpp"
#include "planner/cost/step/whole_pipeline.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/build/emit_update.hpp"
#include "planner/program/schedule/placement.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/spec/job/job_notes.hpp"
#include "planner/spec/types/layer_pattern.hpp"

namespace foreshard {

namespace {

/// Computes the estimate of one job. Plays one rank of each stage on its lanes.
class Summation {
 public:
  Summation(const JobSpec& job, const StepProgram& program)
      : job_(job), program_(program), cost_(job), times_(price_operations(program, cost_)) {
    const std::vector<BlockCost> blocks = price_blocks(program, times_);
    for (std::size_t s = 0; s < program.stages.size(); ++s) {
      BlockCost& sum = sums_.emplace_back();
      const std::vector<std::int64_t> block_calls = count_block_calls(program, StageId(s));
      for (std::size_t b = 0; b < blocks.size(); ++b) add(sum, blocks[b], block_calls[b]);
    }
  }

  Estimate run() {
    Estimate result;
    result.parameters = count_parameters(job_, program_);
    result.layer_kinds = split_layers(job_, program_);
    const LayerSplit layer = usual_layer(result.layer_kinds);
    result.attention = layer.attention;
    result.ffn = layer.ffn;
    sum_time(result);
    sum_flops(result);
    sum_communication(result.communication);
    result.memory = memory_report(job_, program_);
    result.training = training_figures(job_, result.step);
    result.vocab_padding = padded_vocab() - job_.model.vocab;
    const Placement placement = placement_of(program_);
    for (std::size_t s = 0; s < placement.stages(); ++s) {
      auto& counts = result.stage_layers.emplace_back();
      for (std::size_t c = 0; c < placement.chunks(StageId(s)); ++c)
        counts.push_back(placement.piece(StageId(s), ChunkId(c)).layers.count);
    }
    add_notes(result);
    check_estimate(job_, result);
    return result;
  }

 private:
  // ---- time

  /// How a rank of the stage spends its time, without waits for other stages.
  [[nodiscard]] LaneTimes busy_times(const StagePlay& play) const {
    LaneTimes times = play.prologue;
    for (const auto& chunk : play.chunks) {
      for (const PassPlay& pass : chunk) times += pass.sum(program_.micro_batches);
    }
    times += play.epilogue;
    return times;
  }

  /// When the last stage ends its epilogue. Each stage begins its epilogue after its last pass. A collective
  /// over several stages begins when the last of these stages is ready. Where steps overlap, what a stage waits before its
  /// first pass does not count.
  static Seconds last_end(const std::vector<StagePlay>& plays, const PipelineTimes& passes) {
    Seconds joined;
    for (std::size_t s = 0; s < plays.size(); ++s)
      if (plays[s].join) joined = std::max(joined, passes.end[s] + *plays[s].join);
    Seconds end;
    for (std::size_t s = 0; s < plays.size(); ++s) {
      const Seconds alone = passes.end[s] + plays[s].epilogue.total();
      const Seconds waits = plays[s].join ? joined - (passes.end[s] + *plays[s].join) : Seconds(0.0);
      end = std::max(end, alone + waits - passes.lead[s]);
    }
    return end;
  }

  /// Plays every stage on its own and joins the results by the schedule's order. Returns the mean over
  /// stages.
  [[nodiscard]] LaneTimes play_apart(const std::vector<StagePlay>& plays) const {
    const PipelineTimes passes = play_pipeline(program_, plays);
    const Seconds end = last_end(plays, passes);
    LaneTimes sum;
    for (std::size_t s = 0; s < plays.size(); ++s) {
      LaneTimes stage = busy_times(plays[s]);
      stage.exposed[static_cast<std::size_t>(CommAxis::pp)] += passes.transfer[s];
      // The rest of the step is waiting for other stages.
      if (plays.size() > 1) stage.bubble = std::max(Seconds(0.0), end - stage.total());
      sum += stage;
    }
    return sum * (1.0 / static_cast<double>(plays.size()));
  }

  static LaneTimes mean_of(const std::vector<LaneTimes>& stages) {
    LaneTimes sum;
    for (const LaneTimes& stage : stages) sum += stage;
    return sum * (1.0 / static_cast<double>(stages.size()));
  }

  /// Number of operations in the step, summed over one rank of each stage.
  [[nodiscard]] double operations() const {
    double operations = 0.0;
    for (std::size_t s = 0; s < program_.stages.size(); ++s) {
      const std::vector<std::int64_t> block_calls = count_block_calls(program_, StageId(s));
      for (std::size_t b = 0; b < block_calls.size(); ++b)
        operations +=
            static_cast<double>(block_calls[b]) * static_cast<double>(program_.blocks[b].ops.size());
    }
    return operations;
  }

  /// True if the time of stages played apart may be wrong by more than a few percent. How much of the dp and
  /// pp communication, and of the host's work, is exposed depends on when a stage waits for other stages, which
  /// is unknown if it is played alone.
  static bool is_doubtful(const LaneTimes& apart) {
    constexpr double kMostExposed = 0.02;  // of the step
    const Seconds exposed = apart.exposed[static_cast<std::size_t>(CommAxis::dp)] +
                            apart.exposed[static_cast<std::size_t>(CommAxis::pp)] +
                            apart.exposed[static_cast<std::size_t>(CommAxis::offload)];
    return exposed > kMostExposed * apart.total();
  }

  /// Passes that are issued in turns have no time of their own: such a pipeline is always played as a whole.
  /// A pipeline of few operations is played as a whole, which takes some milliseconds (whole_pipeline.hpp: up to its
  /// steady state). A larger one is played stage by stage for three micro-batches; it is played as a whole only if
  /// that result is doubtful and playing it takes no more than seconds.
  LaneTimes play(std::string& basis) const {
    constexpr double kFewOperations = 2e5;
    constexpr double kMostOperations = 2e7;
    const LanePlan plan = plan_lanes(program_, times_);
    const Interference interference = cost_.interference();
    const bool is_pipeline = program_.stages.size() > 1;
    const bool in_turns = takes_turns(program_);
    if (in_turns && !is_pipeline) {
      basis = "six micro-batches played";
      return play_in_turns(program_, plan, interference);
    }
    const double count = is_pipeline ? operations() : 0.0;
    if (!is_pipeline || (count > kFewOperations && !in_turns)) {
      const LaneTimes apart = play_apart(play_stages(program_, plan, interference));
      basis = is_pipeline ? "stages played apart, joined by their schedule" : "three micro-batches played";
      // Which stage waits for gathers at the start depends on the order of all stages.
      const bool is_sure = !is_doubtful(apart) && !gathers_at_start(job_);
      if (!is_pipeline || count > kMostOperations || is_sure) return apart;
    }
    basis = "the whole schedule played";
    return mean_of(play_together(program_, plan, interference));
  }

  void sum_time(Estimate& result) const {
    StepFigures& step = result.step;
    const LaneTimes mean = play(result.basis);
    step.time = mean.total();
    StepBreakdown& parts = step.breakdown;
    const auto exposed = [&](CommAxis axis) { return mean.exposed[static_cast<std::size_t>(axis)]; };
    parts.compute = mean.compute;
    parts.optimizer = mean.optimizer;
    parts.overhead = parts.host = mean.host;
    parts.tp_exposed = exposed(CommAxis::tp);
    parts.pp_exposed = exposed(CommAxis::pp);
    parts.dp_exposed = exposed(CommAxis::dp);
    parts.cp_exposed = exposed(CommAxis::cp);
    parts.ep_exposed = exposed(CommAxis::ep);
    parts.offload_exposed = exposed(CommAxis::offload);
    parts.bubble = mean.bubble;
    step.spread = cost_.spread();
    set_band(step, widened(kPublished, width_of(job_)));
    step.bubble_fraction = parts.bubble / step.time;
    const double share = 1.0 / static_cast<double>(sums_.size());
    for (const BlockCost& sum : sums_) {
      step.detail.gemms += share * sum.gemms;
      step.detail.attention_core += share * sum.attention_core;
      step.detail.scans += share * sum.scans;
      step.detail.memory_bound += share * sum.memory_bound;
      for (std::size_t part = 0; part < kComputePartCount; ++part) {
        for (std::size_t limit = 0; limit < kLimitCount; ++limit)
          step.detail.limited[part][limit] += share * sum.limited[part][limit];
      }
    }
    step.detail.gemm_fraction_of_peak = gemm_fraction();
  }

  [[nodiscard]] double gemm_fraction() const {
    double flops = 0.0;
    Seconds time;
    for (const BlockCost& sum : sums_) {
      flops += sum.gemm_executed.as_double();
      time += sum.gemms;
    }
    return time > Seconds(0.0) ? flops / time.value() / cost_.peak().value() : 0.0;
  }

  // ---- FLOPs, bytes, money

  void sum_flops(Estimate& result) const {
    const ModelFlops micro_batch = count_model_flops(job_, program_);
    const std::int64_t tokens = checked_product(job_.training.micro_batch, job_.training.sequence_length);
    const Flops forward = micro_batch.forward;
    const Flops training = micro_batch.forward + micro_batch.backward;
    const Flops masked(job_.model.causal ? micro_batch.attention_core.value() / 2 : 0);
    result.flops_per_token = {.forward = Flops(forward.value() / tokens),
                              .training = Flops(training.value() / tokens),
                              .training_causal = Flops((training - masked).value() / tokens)};

    StepFigures& step = result.step;
    const Int128 runs = static_cast<Int128>(program_.micro_batches) * job_.parallelism.dp;
    step.model_flops = as_total(training) * runs;
    step.model_flops_causal = as_total(training - masked) * runs;
    for (const BlockCost& sum : sums_) {
      const Int128 ranks = job_.cluster.devices() / job_.parallelism.pp;
      step.hardware_flops += as_total(sum.hardware) * ranks;
    }
    step.tokens =
        static_cast<double>(checked_product(job_.training.global_batch, job_.training.sequence_length));
    const double at_peak =
        step.time.value() * cost_.peak().value() * static_cast<double>(job_.cluster.devices());
    step.mfu = step.model_flops.as_double() / at_peak;
    step.hfu = step.hardware_flops.as_double() / at_peak;
    step.mfu_causal = step.model_flops_causal.as_double() / at_peak;
  }

  void sum_communication(std::array<AxisTraffic, kCommAxisCount>& traffic) const {
    for (std::size_t a = 0; a < kCommAxisCount; ++a) {
      for (const BlockCost& sum : sums_) {
        const AxisTraffic here{
            .bytes_per_device = sum.comm_bytes[a], .calls = sum.comm_calls[a], .time = sum.comm_time[a]};
        const bool sends_more = here.bytes_per_device > traffic[a].bytes_per_device;
        if (sends_more || traffic[a].calls == 0) traffic[a] = here;
      }
    }
  }

  // ---- notes for the reader

  [[nodiscard]] std::int64_t padded_vocab() const {
    for (const Tensor& tensor : program_.tensors) {
      if (tensor.is({ModelPart::embedding, TensorItem::token_table, TensorAspect::weight}))
        return tensor.dims[0].size;
    }
    return job_.model.vocab;
  }

  /// The smallest number of kv heads among the kinds of layers. Latent attention has no kv heads of its own.
  [[nodiscard]] std::int64_t fewest_kv_heads() const {
    std::int64_t fewest = job_.model.mla ? job_.model.kv_heads : std::numeric_limits<std::int64_t>::max();
    for (const LayerKind& kind : layer_pattern(job_.model, job_.training.sequence_length).kinds) {
      if (const auto* attention = std::get_if<SoftmaxAttention>(&kind.mixer))
        fewest = std::min(fewest, attention->kv_heads);
      if (std::holds_alternative<CompressedAttention>(kind.mixer)) fewest = 1;
    }
    return fewest;
  }

  void add_notes(Estimate& result) const {
    result.notes = job_notes(job_);
    if (result.vocab_padding > 0) {
      result.notes.push_back(
          fmt::format("vocabulary padded by {} to {} rows", result.vocab_padding, padded_vocab()));
    }
    const std::int64_t kv_heads = fewest_kv_heads();
    if (job_.parallelism.tp > kv_heads) {
      result.notes.push_back("each kv head stands on " + std::to_string(job_.parallelism.tp / kv_heads) +
                             " tensor-parallel ranks");
    }
    std::int64_t fewest = job_.model.layers;
    std::int64_t most = 0;
    for (const auto& chunks : result.stage_layers) {
      const std::int64_t layers = std::accumulate(chunks.begin(), chunks.end(), std::int64_t{0});
      fewest = std::min(fewest, layers);
      most = std::max(most, layers);
    }
    if (fewest != most) {
      result.notes.push_back("stages are uneven: " + std::to_string(fewest) + " to " + std::to_string(most) +
                             " layers");
    }
  }

  const JobSpec& job_;
  const StepProgram& program_;
  CostModel cost_;
  OpTimes times_;
  std::vector<BlockCost> sums_;  ///< by stage: sums over one rank's whole step
};

}  // namespace

TrainingFigures training_figures(const JobSpec& job, const StepFigures& step) {
  TrainingFigures figures;
  figures.steps = job.training.steps();
  if (!figures.steps) return figures;
  const auto devices = static_cast<double>(job.cluster.devices());
  figures.time = step.time * *figures.steps;
  const auto paid = static_cast<double>(job.cluster.paid_devices());
  figures.device_hours = *figures.time / kHour * paid;
  if (job.cluster.price) figures.cost = *job.cluster.price * (*figures.time * paid);
  if (job.training.failures) {
    FailureFigures& failures = figures.failures.emplace(
        failure_figures(*job.training.failures, job.cluster.devices(), *figures.time, job.cluster.price));
    if (failures.device_hours) *failures.device_hours *= paid / devices;
    if (failures.cost) *failures.cost = *failures.cost * (paid / devices);
  }
  if (job.cluster.power) figures.energy = *job.cluster.power * (*figures.time * devices);
  return figures;
}

void set_band(StepFigures& step, const Deviations& deviations) {
  const auto at = [&](double deviation) { return step.time * std::max(0.0, 1.0 + deviation); };
  step.time_low = at(deviations.tenth);
  step.time_high = at(deviations.nine_tenths);
  step.typical.time = at(deviations.median);
  step.typical.low = at(deviations.quarter);
  step.typical.high = at(deviations.three_quarters);
}

Estimate estimate(const JobSpec& job) { return estimate(job, build_step_program(job)); }

Estimate estimate(const JobSpec& job, const StepProgram& program) { return Summation(job, program).run(); }

}  // namespace foreshard
