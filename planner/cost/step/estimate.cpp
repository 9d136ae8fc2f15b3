#include "planner/cost/step/estimate.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/block_cost.hpp"
#include "planner/cost/step/error_band.hpp"
#include "planner/cost/step/model_figures.hpp"
#include "planner/cost/step/pipeline_play.hpp"
#include "planner/program/emit/emit.hpp"
#include "planner/program/schedule/placement.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/spec/job/job_notes.hpp"
#include "planner/spec/model/layer_pattern.hpp"

namespace foreshard {

namespace {

/// What one stage's rank spends in a step.
struct StageCost {
  BlockCost passes;                ///< forward, backward and weight passes, all micro-batches
  BlockCost once;                  ///< prologue and epilogue
  std::vector<ChunkTimes> chunks;  ///< one micro-batch's passes
  Seconds sync_left;               ///< gradient synchronisation that the last pass leaves
  Seconds gather_left;             ///< of the updated weights, behind the optimizer
};

/// Adds up one job. Each stage's passes are priced from their blocks; its schedule's order joins the stages.
class Summation {
 public:
  Summation(const JobSpec& job, const StepProgram& program)
      : job_(job),
        program_(program),
        cost_(job),
        times_(price_operations(program, cost_)),
        blocks_(price_blocks(program, times_, cost_.interference())) {
    for (std::size_t s = 0; s < program.stages.size(); ++s) stages_.push_back(price_stage(program.stages[s]));
  }

  Estimate run() {
    Estimate result;
    result.parameters = count_parameters(job_, program_);
    result.layer_kinds = split_layers(job_, program_);
    const LayerSplit layer = usual_layer(result.layer_kinds);
    result.attention = layer.attention;
    result.ffn = layer.ffn;
    sum_time(result.step);
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
    result.basis = stages_.size() > 1 ? "schedule of block sums" : "closed form";
    return result;
  }

 private:
  // ---- time

  [[nodiscard]] BlockCost sum_of(const std::vector<BlockCall>& block_calls, std::int64_t count) const {
    BlockCost sum;
    for (const BlockCall& block_call : block_calls) add(sum, blocks_[block_call.block.at()], count);
    return sum;
  }

  StageCost price_stage(const StageProgram& stage) const {
    StageCost cost;
    BlockCost micro_batch;
    for (const Chunk& chunk : stage.chunks) {
      const BlockCost forward = sum_of(chunk.forward, 1);
      const BlockCost backward = sum_of(chunk.backward, 1);
      const BlockCost weight = sum_of(chunk.weight, 1);
      cost.chunks.push_back({forward.time, backward.time, weight.time});
      add(micro_batch, forward, 1);
      add(micro_batch, backward, 1);
      add(micro_batch, weight, 1);
      add_sync_traffic(cost.once, last_pass(chunk));
    }
    wait_for_links(micro_batch, cost.chunks);
    add(cost.passes, micro_batch, program_.micro_batches);
    cost.sync_left = sync_left(stage);
    cost.gather_left = gather_left(stage);
    add(cost.once, sum_of(stage.prologue, 1), 1);
    add(cost.once, sum_of(stage.epilogue, 1), 1);
    return cost;
  }

  [[nodiscard]] bool hides_data_parallel() const {
    return job_.training.overlap.dp && job_.parallelism.dp * job_.parallelism.cp > 1;
  }

  /// Under ZeRO-2 and 3 every micro-batch uses the links between replicas; where they are busy for longer
  /// than its passes take, they set the pace.
  void wait_for_links(BlockCost& micro_batch, std::vector<ChunkTimes>& chunks) const {
    const auto dp = static_cast<std::size_t>(CommAxis::dp);
    if (!hides_data_parallel() || micro_batch.comm_time[dp] <= micro_batch.time) return;
    const Seconds late = micro_batch.comm_time[dp] - micro_batch.time;
    micro_batch.exposed[dp] += late;
    micro_batch.time += late;
    for (ChunkTimes& chunk : chunks) chunk.backward += late / static_cast<double>(chunks.size());
  }

  /// The visits with which a chunk's work on the last micro-batch ends.
  static const std::vector<BlockCall>& last_pass(const Chunk& chunk) {
    if (!chunk.weight.empty()) return chunk.last_weight.empty() ? chunk.weight : chunk.last_weight;
    return chunk.last_backward.empty() ? chunk.backward : chunk.last_backward;
  }

  /// Overlapped synchronisation: how long the links still work when the last micro-batch's last pass has
  /// ended, and what it took from the kernels beside it until then. A stage ends with its first chunk.
  [[nodiscard]] Seconds sync_left(const StageProgram& stage) const {
    if (!hides_data_parallel()) return {};
    LanePlayer player(program_, times_);
    BlockCost sync;
    for (auto chunk = stage.chunks.rbegin(); chunk != stage.chunks.rend(); ++chunk) {
      player.play(last_pass(*chunk));
      add_sync_traffic(sync, last_pass(*chunk));
    }
    const Seconds left = std::max(Seconds(0.0), player.data_parallel_end() - player.compute_end());
    const Seconds all = std::accumulate(sync.comm_time.begin(), sync.comm_time.end(), Seconds(0.0));
    return left + cost_.interference().communication_share * std::max(Seconds(0.0), all - left);
  }

  /// Gathers of updated weights that are issued without waiting: a step ends when its weights are everywhere.
  [[nodiscard]] Seconds gather_left(const StageProgram& stage) const {
    if (!hides_data_parallel()) return {};
    Seconds gathers;
    for (const BlockCall& block_call : stage.epilogue) {
      if (program_.block(block_call.block).kind != BlockKind::sync) continue;
      const std::vector<Op>& ops = program_.block(block_call.block).ops;
      for (std::size_t o = 0; o < ops.size(); ++o) {
        const bool on_replicas = ops[o].lane == Lane::dp || ops[o].lane == Lane::expert_dp;
        if (on_replicas) gathers += times_[block_call.block.at()][o].time;
      }
    }
    return gathers;
  }

  /// The bytes, calls and link time of the synchronisations inside such a pass.
  void add_sync_traffic(BlockCost& once, const std::vector<BlockCall>& block_calls) const {
    for (const BlockCall& block_call : block_calls) {
      if (program_.block(block_call.block).kind != BlockKind::sync) continue;
      const BlockCost& block = blocks_[block_call.block.at()];
      for (std::size_t a = 0; a < kCommAxisCount; ++a) {
        once.comm_time[a] += block.comm_time[a];
        once.comm_bytes[a] += block.comm_bytes[a];
        once.comm_calls[a] += block.comm_calls[a];
      }
    }
  }

  /// The stages' passes in their schedule's order.
  [[nodiscard]] PipelineTimes pipeline(Seconds transfer) const {
    std::vector<std::vector<ChunkTimes>> times;
    for (const StageCost& stage : stages_) times.push_back(stage.chunks);
    return play_pipeline(program_, times, transfer);
  }

  /// A transfer that no compute hides. Where transfers hold compute, the sender's pass has counted it.
  [[nodiscard]] Seconds unheld_transfer() const {
    if (!job_.training.overlap.pp) return {};
    for (std::size_t b = 0; b < program_.blocks.size(); ++b) {
      for (std::size_t o = 0; o < program_.blocks[b].ops.size(); ++o) {
        if (std::holds_alternative<Send>(program_.blocks[b].ops[o].kind)) return times_[b][o].time;
      }
    }
    return {};
  }

  void sum_time(StepFigures& step) const {
    const PipelineTimes passes = pipeline(unheld_transfer());
    const Seconds for_transfers = passes.last_end() - pipeline(Seconds(0.0)).last_end();
    Seconds all_synced;
    Seconds slowest_once;
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      all_synced = std::max(all_synced, passes.end[s] + stages_[s].sync_left);
      slowest_once = std::max(slowest_once, stages_[s].once.time + stages_[s].gather_left);
    }
    step.time = all_synced + slowest_once;

    StepBreakdown& parts = step.breakdown;
    const double share = 1.0 / static_cast<double>(stages_.size());
    for (const StageCost& stage : stages_) {
      parts.compute += share * stage.passes.compute;
      parts.tp_exposed += share * exposed(stage, CommAxis::tp);
      parts.pp_exposed += share * exposed(stage, CommAxis::pp);
      parts.cp_exposed += share * exposed(stage, CommAxis::cp);
      parts.ep_exposed += share * exposed(stage, CommAxis::ep);
      parts.dp_exposed += share * (exposed(stage, CommAxis::dp) + stage.sync_left + stage.gather_left);
      parts.optimizer += share * stage.once.compute;
      parts.overhead += share * (stage.passes.overhead + stage.once.overhead);
      step.detail.gemms += share * stage.passes.gemms;
      step.detail.attention_core += share * stage.passes.attention_core;
      step.detail.memory_bound += share * stage.passes.memory_bound;
    }
    parts.pp_exposed += for_transfers;
    const Seconds accounted = parts.compute + parts.tp_exposed + parts.pp_exposed + parts.dp_exposed +
                              parts.cp_exposed + parts.ep_exposed + parts.optimizer + parts.overhead;
    // What is left is waiting for other stages; without a pipeline, rounding.
    if (stages_.size() > 1) parts.bubble = std::max(Seconds(0.0), step.time - accounted);
    step.time = accounted + parts.bubble;
    step.spread = cost_.spread();
    const double half_width = band_half_width(step.spread);
    step.time_low = step.time * std::max(0.0, 1.0 - half_width);
    step.time_high = step.time * (1.0 + half_width);
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

  // ---- what a reader should know

  [[nodiscard]] std::int64_t padded_vocab() const {
    for (const Tensor& tensor : program_.tensors) {
      if (tensor.name == "embedding.weight") return tensor.dims[0].size;
    }
    return job_.model.vocab;
  }

  /// Of any kind of layer; latent attention has none of its own.
  [[nodiscard]] std::int64_t fewest_kv_heads() const {
    std::int64_t fewest = job_.model.mla ? job_.model.kv_heads : std::numeric_limits<std::int64_t>::max();
    for (const LayerKind& kind : layer_pattern(job_.model, job_.training.sequence_length).kinds) {
      if (const auto* attention = std::get_if<SoftmaxAttention>(&kind.mixer))
        fewest = std::min(fewest, attention->kv_heads);
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
  std::vector<BlockCost> blocks_;
  std::vector<StageCost> stages_;
};

}  // namespace

TrainingFigures training_figures(const JobSpec& job, const StepFigures& step) {
  TrainingFigures figures;
  figures.steps = job.training.steps();
  if (!figures.steps) return figures;
  const auto devices = static_cast<double>(job.cluster.devices());
  figures.time = step.time * *figures.steps;
  figures.device_hours = *figures.time / kHour * devices;
  if (job.cluster.price) figures.cost = *job.cluster.price * (*figures.time * devices);
  if (job.training.failures)
    figures.failures =
        failure_figures(*job.training.failures, job.cluster.devices(), *figures.time, job.cluster.price);
  if (job.cluster.power) figures.energy = *job.cluster.power * (*figures.time * devices);
  return figures;
}

Estimate estimate(const JobSpec& job) { return estimate(job, build_step_program(job)); }

Estimate estimate(const JobSpec& job, const StepProgram& program) { return Summation(job, program).run(); }

}  // namespace foreshard
