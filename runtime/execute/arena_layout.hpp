#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "planner/program/schedule/runs.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/count.hpp"
#include "runtime/device/buffer.hpp"

namespace foreshard {

/// One operation of a step in program order: its position is its place in the list.
struct OpRun {
  std::size_t run = 0;  ///< into the stage's runs
  OpId op;
};

/// All operations of all runs, in program order.
std::vector<OpRun> operations_of(const StepProgram& program, const std::vector<Run>& runs);

/// The instance whose memory an operand touches: that of instance_of(), but that a weight which blocks gather
/// (Lifetime::layer) comes anew to every run that does.
Instance arena_instance(const StepProgram& program, const Operand& operand, const Run& run,
                        std::size_t run_index);

/// One instance of a tensor: where it stands, and from which position to which it is used.
struct Allocation {
  std::int64_t offset = 0;  ///< bytes into the arena
  std::int64_t bytes = 0;   ///< on the device
  std::size_t first = 0;
  std::size_t last = 0;
  /// Its memory is another's from the next operation on: `last`, of what is sent where send_holds() says.
  std::size_t held = 0;
};

/// Where every tensor instance of one rank's step stands in one stretch of memory. What lives for the step
/// stands side by side at the beginning, from step to step; the rest shares what is left by first and last
/// use. Laid out once, before the first step.
class ArenaLayout {
 public:
  /// @param stored_as how the device keeps tensors of a dtype
  ArenaLayout(const StepProgram& program, StageId stage, const std::function<DType(DType)>& stored_as);

  [[nodiscard]] const Allocation& at(const Instance& instance) const { return allocations_.at(instance); }
  [[nodiscard]] const std::unordered_map<Instance, Allocation, InstanceHash>& all() const {
    return allocations_;
  }
  /// Memory to allocate: the peak and what the gaps between tensors take.
  [[nodiscard]] std::int64_t capacity() const { return capacity_; }
  /// Most bytes alive at any operation, counted as the program counts them: nominal dtypes, no rounding.
  [[nodiscard]] Bytes peak() const { return peak_; }

 private:
  void find_uses(const StepProgram& program, const std::vector<Run>& runs,
                 const std::function<DType(DType)>& stored_as);
  void hold_sent(const StepProgram& program, StageId stage, const std::vector<Run>& runs);
  void place_step_tensors(const StepProgram& program);
  void place_others(const StepProgram& program);
  void count_peak(const StepProgram& program);

  std::unordered_map<Instance, Allocation, InstanceHash> allocations_;
  std::vector<Instance> in_order_;  // of first use
  std::size_t positions_ = 0;
  std::int64_t capacity_ = 0;
  Bytes peak_;
};

}  // namespace foreshard
