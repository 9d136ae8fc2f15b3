#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/program/schedule/runs.hpp"
#include "sim/step/program_plan.hpp"

namespace foreshard {

/// Who touched one instance of a shared tensor last. Tasks are counted on their lanes: "3" means that three
/// tasks of the lane must have ended.
struct LastUses {
  std::int64_t index = -1;    ///< which micro-batch or run this is about
  std::uint32_t written = 0;  ///< by this many-th task of `writer`; 0: not yet
  RankLane writer = kComputeLane;
  std::int32_t pieces = 1;                       ///< of the writer
  std::uint32_t reading = 0;                     ///< bit l: lane l has read since
  std::array<std::uint32_t, kRankLanes> read{};  ///< by lane, where the bit is set
};

/// The last uses of a stage's shared tensors, one entry per instance that can be alive: per layer of the
/// stage, and per micro-batch in flight. Older micro-batches' entries are used again.
class InstanceTable {
 public:
  InstanceTable(const ProgramPlan& plan, const std::vector<Run>& runs);

  /// Tells instances apart that are alive at one time.
  struct Key {
    std::size_t entry = 0;
    std::int64_t index = 0;
    friend constexpr bool operator==(const Key&, const Key&) = default;
  };
  /// The instance that an operand means in the `run_index`-th run.
  [[nodiscard]] Key key(const SharedOperand& operand, const Run& run, std::size_t run_index) const;
  /// Its entry; fresh where the instance is new.
  [[nodiscard]] LastUses& find(const SharedOperand& operand, const Run& run, std::size_t run_index);

 private:
  struct Place {
    std::size_t first = 0;
    std::size_t layers = 1;
    std::size_t turns = 1;  // instances of one layer kept beside each other
  };

  const std::vector<SharedTensor>* shared_;
  std::int32_t lowest_layer_ = 0;
  std::vector<std::uint32_t> layer_slots_;  // by layer − lowest_layer_
  std::vector<Place> places_;               // by shared tensor
  std::vector<LastUses> uses_;
};

}  // namespace foreshard
