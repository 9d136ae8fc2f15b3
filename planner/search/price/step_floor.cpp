#include "planner/search/price/step_floor.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_plan.hpp"
#include "planner/program/schedule/placement.hpp"
#include "planner/search/price/layer_floor.hpp"
#include "planner/search/price/pass_chains.hpp"
#include "planner/search/price/stage_floors.hpp"

namespace foreshard {
namespace {

StageRanges ranges_of(const Placement& placement) {
  StageRanges stages(placement.stages());
  for (std::size_t s = 0; s < stages.size(); ++s) {
    for (std::size_t c = 0; c < placement.chunks(StageId(s)); ++c)
      stages[s].push_back(placement.piece(StageId(s), ChunkId(c)).layers);
  }
  return stages;
}

/// True for the lanes whose communication slows kernels beside it by the usual share, as far as it is looked at here.
bool is_slowing(Lane lane) { return lane == Lane::tp || lane == Lane::dp || lane == Lane::expert_dp; }

/// Sums over block calls.
struct CallTimes {
  Seconds kernels;
  std::array<Seconds, kLaneCount> lanes;  // of communication
  Seconds stopped;                        // by what stops kernels on the stopping lane

  /// What they take at the least outside the micro-batches.
  [[nodiscard]] Seconds alone() const { return kernels + stopped; }
};

void add_calls(CallTimes& sum, const StepProgram& program, const OpTimes& times, Lane stopping,
               std::span<const BlockCall> calls) {
  for (const BlockCall& call : calls) {
    const std::vector<Op>& ops = program.block(call.block).ops;
    for (std::size_t o = 0; o < ops.size(); ++o) {
      const Seconds time = times[call.block.at()][o].time;
      const auto lane = static_cast<std::size_t>(ops[o].lane);
      if (is_kernel(ops[o])) sum.kernels += time;
      if (!is_slowing(ops[o].lane)) continue;
      sum.lanes[lane] += time;
      if (stops_kernels(ops[o], stopping)) sum.stopped += time;
    }
  }
}

CallTimes times_of(const StepProgram& program, const OpTimes& times, Lane stopping,
                   std::span<const BlockCall> calls) {
  CallTimes sum;
  add_calls(sum, program, times, stopping, calls);
  return sum;
}

/// What a stage's own passes of one micro-batch take.
CallTimes passes_of(const StepProgram& program, const OpTimes& times, Lane stopping,
                    const StageProgram& stage) {
  CallTimes sum;
  for (const Chunk& chunk : stage.chunks) {
    for (const std::vector<BlockCall>* calls : {&chunk.forward, &chunk.backward, &chunk.weight})
      add_calls(sum, program, times, stopping, *calls);
  }
  return sum;
}

/// The step with communication that slows the kernels beside it, for stage `s`. With K the kernels of a micro-batch, L
/// the communication on one lane and c the share of their speed that kernels lose beside it, the stage is idle for
/// some time I during its passes. At least L − I of the communication runs beside kernels, so the passes take
///   K + I + c·(L − I) ≥ K + c·L.
/// Of the communication, some may run in the idle time after the passes, of which (1 − c) therefore counts. One
/// micro-batch is left out of L: what it gathers before its first pass.
Seconds slowed_step(const CallTimes& passes, std::int64_t micro_batches, double share,
                    const StagePasses& stage, Seconds after, Seconds after_first) {
  const Seconds lane = *std::max_element(passes.lanes.begin(), passes.lanes.end());
  const auto count = static_cast<double>(micro_batches);
  const Seconds drained = stage.drain > Seconds() ? (1.0 - share) * stage.drain + after_first : Seconds();
  return stage.fill + count * passes.kernels + share * (count - 1.0) * lane + std::max(after, drained);
}

}  // namespace

std::optional<Seconds> step_floor(const JobSpec& job, const StepProgram& program) {
  const CostModel cost(job);
  const OpTimes times = price_operations(program, cost);
  const std::optional<LayerFloor> layers = LayerFloor::of(job, program, times);
  if (!layers) return std::nullopt;
  const ScheduleShape shape{.kind = job.training.schedule,
                            .stages = job.parallelism.pp,
                            .chunks = job.parallelism.vp,
                            .micro_batches = program.micro_batches};
  const Lane stopping = stopping_lane(program, times);
  std::vector<CallTimes> after;
  for (const StageProgram& stage : program.stages)
    after.push_back(times_of(program, times, stopping, stage.epilogue));
  // The first stage's passes are those that all others wait for.
  const Seconds before = times_of(program, times, stopping, program.stages.front().prologue).alone();
  const double share = cost.interference().communication_share;
  Seconds step;
  for_each_stage(
      *layers, ranges_of(placement_of(program)), shape, [&](std::size_t s, const StagePasses& stage) {
        const Seconds drained = stage.drain > Seconds() ? stage.drain + after.front().alone() : Seconds();
        const Seconds free = stage.fill + stage.micro_batches + std::max(after[s].alone(), drained);
        const Seconds slowed =
            slowed_step(passes_of(program, times, stopping, program.stages[s]), program.micro_batches, share,
                        stage, after[s].kernels, after.front().kernels);
        step = std::max(step, before + std::max(free, slowed));
      });
  constexpr double kRounding = 1.0 - 1e-9;  // sums in another order than the estimate's
  return step * kRounding;
}

}  // namespace foreshard
