#include "planner/cost/estimate.hpp"

#include <algorithm>
#include <numeric>

#include "planner/cost/block_cost.hpp"
#include "planner/cost/cost_model.hpp"
#include "planner/cost/model_figures.hpp"
#include "planner/program/emit.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/program/stage_layout.hpp"

namespace foreshard {

namespace {

/// What one stage's rank spends in a step.
struct StageCost {
  BlockCost passes;             ///< forward and backward, all micro-batches
  BlockCost once;               ///< prologue and epilogue
  Seconds micro_batch;          ///< one micro-batch's forward and backward through all chunks
  Seconds last_backward;        ///< one micro-batch's backward
  Seconds sync_after_backward;  ///< gradient synchronisation left when the last backward ends
};

/// Adds up one job. Each stage is priced from its blocks; the pipeline's closed form joins the stages.
class Summation {
 public:
  Summation(const JobSpec& job, const StepProgram& program)
      : job_(job),
        program_(program),
        cost_(job),
        times_(price_operations(program, cost_)),
        blocks_(price_blocks(program, times_)) {
    for (std::size_t s = 0; s < program.stages.size(); ++s) stages_.push_back(price_stage(program.stages[s]));
  }

  Estimate run() {
    Estimate result;
    result.parameters = count_parameters(job_, program_);
    const LayerSplit layer = split_layer(job_, program_);
    result.attention = layer.attention;
    result.ffn = layer.ffn;
    sum_time(result.step);
    sum_flops(result);
    sum_communication(result.communication);
    result.memory = memory_report(job_, program_);
    result.training = training_figures(result.step);
    result.vocab_padding = padded_vocab() - job_.model.vocab;
    for (const auto& chunks : stage_layout(job_.model, job_.parallelism, job_.training.sequence_length)) {
      auto& counts = result.stage_layers.emplace_back();
      for (const LayerRange& range : chunks) counts.push_back(range.count);
    }
    add_notes(result);
    return result;
  }

 private:
  // ---- time

  [[nodiscard]] BlockCost sum_of(const std::vector<Visit>& visits, std::int64_t count) const {
    BlockCost sum;
    for (const Visit& visit : visits) add(sum, blocks_[visit.block.at()], count);
    return sum;
  }

  StageCost price_stage(const StageProgram& stage) const {
    StageCost cost;
    BlockCost backward;
    for (const Chunk& chunk : stage.chunks) {
      add(cost.passes, sum_of(chunk.forward, 1), 1);
      add(backward, sum_of(chunk.backward, 1), 1);
      cost.sync_after_backward += sync_left(chunk);
      if (!chunk.last_backward.empty()) add_sync_traffic(cost.once, chunk);
    }
    add(cost.passes, backward, 1);
    cost.micro_batch = cost.passes.time;
    cost.last_backward = backward.time;
    BlockCost all_passes;
    add(all_passes, cost.passes, program_.micro_batches);
    cost.passes = all_passes;
    add(cost.once, sum_of(stage.prologue, 1), 1);
    add(cost.once, sum_of(stage.epilogue, 1), 1);
    return cost;
  }

  /// Overlapped synchronisation: how long the links still work when the last micro-batch's backward has
  /// ended.
  [[nodiscard]] Seconds sync_left(const Chunk& chunk) const {
    if (chunk.last_backward.empty()) return {};
    LanePlayer player(program_, times_);
    player.play(chunk.last_backward);
    return player.all_end() - player.compute_end();
  }

  /// The bytes, calls and link time of the synchronisations inside the last backward.
  void add_sync_traffic(BlockCost& once, const Chunk& chunk) const {
    for (const Visit& visit : chunk.last_backward) {
      if (program_.block(visit.block).kind != BlockKind::sync) continue;
      const BlockCost& block = blocks_[visit.block.at()];
      for (std::size_t a = 0; a < kCommAxisCount; ++a) {
        once.comm_time[a] += block.comm_time[a];
        once.comm_bytes[a] += block.comm_bytes[a];
        once.comm_calls[a] += block.comm_calls[a];
      }
    }
  }

  /// Forward and backward of all micro-batches through the pipeline: the slowest stage sets the pace, every
  /// other one is passed once (per chunk) while the pipeline fills and drains: (m−1)·max t + Σ t, for v
  /// chunks m·max t + (Σ t − max t)/v. For equal stages this is the schedule's own (m + (p−1)/v)·t.
  [[nodiscard]] Seconds pipeline_time() const {
    Seconds sum;
    Seconds slowest;
    for (const StageCost& stage : stages_) {
      sum += stage.micro_batch;
      slowest = std::max(slowest, stage.micro_batch);
    }
    return slowest * static_cast<double>(program_.micro_batches) +
           (sum - slowest) / static_cast<double>(job_.parallelism.vp);
  }

  /// Transfers on the way in and out that no compute hides: p − 1 hops forward and back. Where transfers hold
  /// compute the blocks have counted them.
  [[nodiscard]] Seconds fill_and_drain_transfers() const {
    const std::int64_t stages = job_.parallelism.pp;
    if (stages == 1 || !job_.training.overlap.pp) return {};
    Seconds hop;
    for (std::size_t b = 0; b < program_.blocks.size(); ++b) {
      for (std::size_t o = 0; o < program_.blocks[b].ops.size(); ++o) {
        if (std::holds_alternative<Send>(program_.blocks[b].ops[o].kind)) hop += times_[b][o].time;
      }
    }
    return hop * static_cast<double>(stages - 1);
  }

  /// The latest end of gradient synchronisation after the first stage's last backward. A later stage ends its
  /// last backward earlier, by the backward passes of the stages before it, and its links work meanwhile.
  [[nodiscard]] Seconds exposed_sync() const {
    Seconds exposed;
    Seconds head_start;
    for (const StageCost& stage : stages_) {
      exposed = std::max(exposed, stage.sync_after_backward - head_start);
      head_start += stage.last_backward / static_cast<double>(job_.parallelism.vp);
    }
    return exposed;
  }

  void sum_time(StepFigures& step) const {
    const Seconds passes = pipeline_time();
    const Seconds transfers = fill_and_drain_transfers();
    const Seconds sync = exposed_sync();
    Seconds slowest_once;
    for (const StageCost& stage : stages_) slowest_once = std::max(slowest_once, stage.once.time);

    StepBreakdown& parts = step.breakdown;
    const double share = 1.0 / static_cast<double>(stages_.size());
    Seconds waiting;
    for (const StageCost& stage : stages_) {
      parts.compute += share * stage.passes.compute;
      parts.tp_exposed += share * (exposed(stage, CommAxis::tp));
      parts.pp_exposed += share * (exposed(stage, CommAxis::pp));
      parts.cp_exposed += share * (exposed(stage, CommAxis::cp));
      parts.ep_exposed += share * (exposed(stage, CommAxis::ep));
      parts.dp_exposed += share * (exposed(stage, CommAxis::dp));
      parts.optimizer += share * stage.once.compute;
      waiting += share * (passes - stage.passes.time + slowest_once - stage.once.time);
      step.detail.gemms += share * stage.passes.gemms;
      step.detail.attention_core += share * stage.passes.attention_core;
      step.detail.memory_bound += share * stage.passes.memory_bound;
    }
    parts.pp_exposed += transfers;
    parts.dp_exposed += sync;
    parts.bubble = job_.parallelism.pp > 1 ? waiting : Seconds(0.0);
    step.time = parts.compute + parts.tp_exposed + parts.pp_exposed + parts.dp_exposed + parts.cp_exposed +
                parts.ep_exposed + parts.bubble + parts.optimizer + parts.overhead;
    step.time_low = step.time * (1.0 - cost_.spread());
    step.time_high = step.time * (1.0 + cost_.spread());
    step.bubble_fraction = parts.bubble / step.time;
    step.detail.gemm_fraction_of_peak = gemm_fraction();
  }

  static Seconds exposed(const StageCost& stage, CommAxis axis) {
    const auto a = static_cast<std::size_t>(axis);
    return stage.passes.exposed[a] + stage.once.exposed[a];
  }

  [[nodiscard]] double gemm_fraction() const {
    double flops = 0.0;
    Seconds time;
    for (const StageCost& stage : stages_) {
      flops += stage.passes.gemm_executed.as_double();
      time += stage.passes.gemms;
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
    for (const StageCost& stage : stages_) {
      const Int128 ranks = job_.cluster.devices() / job_.parallelism.pp;
      step.hardware_flops += as_total(stage.passes.hardware) * ranks;
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
      for (const StageCost& stage : stages_) {
        const AxisTraffic here{.bytes_per_device = stage.passes.comm_bytes[a] + stage.once.comm_bytes[a],
                               .calls = stage.passes.comm_calls[a] + stage.once.comm_calls[a],
                               .time = stage.passes.comm_time[a] + stage.once.comm_time[a]};
        const bool sends_more = here.bytes_per_device > traffic[a].bytes_per_device;
        if (sends_more || traffic[a].calls == 0) traffic[a] = here;
      }
    }
  }

  [[nodiscard]] TrainingFigures training_figures(const StepFigures& step) const {
    TrainingFigures figures;
    if (!job_.training.tokens) return figures;
    const auto devices = static_cast<double>(job_.cluster.devices());
    figures.steps = job_.training.tokens->as_double() / step.tokens;
    figures.time = step.time * *figures.steps;
    figures.device_hours = *figures.time / kHour * devices;
    if (job_.cluster.price) figures.cost = *job_.cluster.price * (*figures.time * devices);
    if (job_.cluster.power) figures.energy = *job_.cluster.power * (*figures.time * devices);
    return figures;
  }

  // ---- what a reader should know

  [[nodiscard]] std::int64_t padded_vocab() const {
    for (const Tensor& tensor : program_.tensors) {
      if (tensor.name == "embedding.weight") return tensor.dims[0].size;
    }
    return job_.model.vocab;
  }

  void add_notes(Estimate& result) const {
    if (result.vocab_padding > 0) {
      result.notes.push_back("vocabulary padded by " + std::to_string(result.vocab_padding) + " to " +
                             std::to_string(padded_vocab()) + " rows");
    }
    if (job_.parallelism.tp > job_.model.kv_heads) {
      result.notes.push_back("each kv head stands on " +
                             std::to_string(job_.parallelism.tp / job_.model.kv_heads) +
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
  std::vector<BlockCost> blocks_;
  std::vector<StageCost> stages_;
};

}  // namespace

Estimate estimate(const JobSpec& job) { return estimate(job, build_step_program(job)); }

Estimate estimate(const JobSpec& job, const StepProgram& program) { return Summation(job, program).run(); }

}  // namespace foreshard
