#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/program/schedule/runs.hpp"
#include "sim/step/program_plan.hpp"

namespace foreshard {

/// The last write and the reads since then of one instance of a shared tensor. Tasks are given by their count
/// on their lane: 3 means that three tasks of the lane must have ended.
struct LastUses {
  std::int64_t index = -1;    ///< the micro-batch or run that the instance belongs to
  std::uint32_t written = 0;  ///< number, from 1, of the writing task on lane `writer`; 0: not yet written
  RankLane writer = kComputeLane;
  std::int32_t pieces = 1;                       ///< number of pieces of the writing operation
  std::uint32_t reading = 0;                     ///< bit l: lane l has read since the last write
  std::array<std::uint32_t, kRankLanes> read{};  ///< by lane: its last reading task, where the bit is set
};

/// The last uses of a stage's shared tensors. There is one entry for each instance that can be alive: per
/// layer of the stage and per micro-batch in flight. The entries of finished micro-batches are reused.
class InstanceTable {
 public:
  InstanceTable(const ProgramPlan& plan, const std::vector<Run>& runs);

  /// Identifies an instance. Instances that are alive at the same time have different keys.
  struct Key {
    std::size_t entry = 0;
    std::int64_t index = 0;
    friend constexpr bool operator==(const Key&, const Key&) = default;
  };
  /// The instance to which an operand refers in the `run_index`-th run.
  [[nodiscard]] Key key(const SharedOperand& operand, const Run& run, std::size_t run_index) const;
  /// The entry of that instance; reset if the instance is new.
  [[nodiscard]] LastUses& find(const SharedOperand& operand, const Run& run, std::size_t run_index);

 private:
  struct Place {
    std::size_t first = 0;
    std::size_t layers = 1;
    std::size_t turns = 1;  // number of instances of one layer that can be alive at once
  };

  const std::vector<SharedTensor>* shared_;
  std::int32_t lowest_layer_ = 0;
  std::vector<std::uint32_t> layer_slots_;  // by layer − lowest_layer_
  std::vector<Place> places_;               // by shared tensor
  std::vector<LastUses> uses_;
};

}  // namespace foreshard
