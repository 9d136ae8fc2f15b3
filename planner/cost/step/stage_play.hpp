#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// What one pass of one chunk takes. Most micro-batches are alike: the first finds lanes empty and the host's queue
/// short, the last synchronises gradients.
struct PassPlay {
  struct Times {
    LaneTimes lanes;
    Seconds delivery;  ///< from its end until its result has reached the next stage
  };
  Times first;
  Times between;
  Times last;

  [[nodiscard]] const Times& of(MicroBatch micro_batch, std::int64_t micro_batches) const {
    if (micro_batch.value() + 1 == micro_batches) return last;
    return micro_batch.value() == 0 ? first : between;
  }
  /// Of all micro-batches together.
  [[nodiscard]] LaneTimes sum(std::int64_t micro_batches) const;
};

/// What a rank of one stage does in a step, with other stages always ready.
struct StagePlay {
  LaneTimes prologue;
  std::vector<std::array<PassPlay, 3>> chunks;  ///< by ChunkId and Pass: forward, backward, weight
  LaneTimes epilogue;                           ///< from the end of the last pass until every lane has ended
  /// From the end of the last pass until the rank is ready for the first collective over several stages.
  std::optional<Seconds> join;
};

/// Plays prologue, three micro-batches (fewer if there are no more) and epilogue on a rank's lanes. What the links
/// between replicas fall behind with each micro-batch grows with those that are not played: it is in the epilogue.
///
/// Within a micro-batch passes follow each other as where a schedule is under way: a forward, then its backward and
/// weight pass; for gpipe all forwards, then all backwards.
StagePlay play_stage(const StepProgram& program, const LanePlan& plan, StageId stage,
                     const Interference& interference);

/// All stages; those whose blocks follow each other alike are played once.
std::vector<StagePlay> play_stages(const StepProgram& program, const LanePlan& plan,
                                   const Interference& interference);

/// All stages and micro-batches in their schedule's order, transfer by transfer. By stage; each times.total() is the
/// step's. O(operations of the step). @throws std::logic_error where the orders wait for each other
std::vector<LaneTimes> play_together(const StepProgram& program, const LanePlan& plan,
                                     const Interference& interference);

}  // namespace foreshard
