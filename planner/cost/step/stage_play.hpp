#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// Times of one pass of one chunk. All micro-batches but two take the same time: the first finds empty lanes
/// and a short launch queue, and the last synchronises gradients.
struct PassPlay {
  struct Times {
    LaneTimes lanes;
    Seconds delivery;  ///< from the end of the pass until its result has reached the next stage
  };
  Times first;
  Times between;
  Times last;

  [[nodiscard]] const Times& of(MicroBatch micro_batch, std::int64_t micro_batches) const {
    if (micro_batch.value() + 1 == micro_batches) return last;
    return micro_batch.value() == 0 ? first : between;
  }
  /// The sum over all micro-batches.
  [[nodiscard]] LaneTimes sum(std::int64_t micro_batches) const;
};

/// Times of a rank of one stage in a step, if other stages are always ready.
struct StagePlay {
  LaneTimes prologue;
  std::vector<std::array<PassPlay, 3>> chunks;  ///< by ChunkId and Pass: forward, backward, weight
  LaneTimes epilogue;                           ///< from the end of the last pass to the end of every lane
  /// From the end of the last pass until the rank is ready for the first collective over several stages.
  std::optional<Seconds> join;
};

/// Plays the prologue, three micro-batches (fewer if the step has fewer) and the epilogue on a rank's lanes.
/// If data-parallel communication of one micro-batch takes longer than its kernels, the backlog grows with
/// every micro-batch; the backlog of the micro-batches that are not played is added to the epilogue.
/// Example: each micro-batch adds 0.1 s of backlog and the step has 8 micro-batches: 5 · 0.1 s are added.
/// Passes are played in the order of a schedule's steady state: a micro-batch's forward, then its backward
/// and weight pass. For gpipe, all forward passes come first, then all backward passes. Of a stage with several chunks,
/// each forward pass is followed by a backward pass of another chunk and the micro-batch before: kernels that begin
/// slowly behind those of the other pass, because the host had stopped there, do so once for every chunk.
StagePlay play_stage(const StepProgram& program, const LanePlan& plan, StageId stage,
                     const Interference& interference);

/// Plays all stages. Stages that run the same blocks in the same order are played once.
std::vector<StagePlay> play_stages(const StepProgram& program, const LanePlan& plan,
                                   const Interference& interference);

/// True if passes of different micro-batches are issued in turns (Slot::in_turns).
bool takes_turns(const StepProgram& program);

/// Plays a step of one stage whose passes are issued in turns. Every further micro-batch of the steady state adds as
/// much as the sixth adds to five: no more are played.
/// @pre the program has one stage
LaneTimes play_in_turns(const StepProgram& program, const LanePlan& plan, const Interference& interference);

}  // namespace foreshard
