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

/// One operation of a step. Its position is its index in the list of all operations in the order of operations_of().
struct OpRun {
  std::size_t run = 0;  ///< index into the stage's runs
  OpId op;
};

/// All operations of all runs in the order in which a rank executes them: program order, runs in turns turn by turn.
std::vector<OpRun> operations_of(const StepProgram& program, const std::vector<Run>& runs);

/// Which part of its block an operation belongs to, where operations work on equal ranges of the tokens, one after
/// the other (Op::parts): 0 … parts − 1.
std::int64_t part_of(const Block& block, OpId op);

/// True if a tensor has all tokens, of which operations on ranges of them touch their range.
bool has_all_tokens(const StepProgram& program, const Tensor& tensor);

/// The instance whose memory an operand of an operation touches. It is that of instance_of(), except that every run
/// which gathers a weight (Lifetime::layer) has its own instance of the gathered weight, and that every part of a
/// block has its own instance of what it computes for its range of the tokens alone.
Instance arena_instance(const StepProgram& program, const OpRun& at, const Operand& operand, const Run& run);

/// The memory of one instance of a tensor, and the positions of its first and last use.
struct Allocation {
  std::int64_t offset = 0;  ///< bytes from the start of the arena
  std::int64_t bytes = 0;   ///< size on the device
  std::size_t first = 0;
  std::size_t last = 0;
  /// The last position at which the memory is occupied: `last`, or for a tensor that is sent, the one that
  /// send_holds() gives. From the next operation on, another tensor can use the memory.
  std::size_t held = 0;
};

/// The offset of every tensor instance of one rank's step in one contiguous arena. Tensors that live for the
/// step are placed one after the other at the beginning and stay there from step to step. The other tensors
/// share the rest: two of them can have the same memory if they are not alive at the same time. The layout is
/// computed once, before the first step.
class ArenaLayout {
 public:
  /// @param stored_as  the dtype in which the device stores tensors of a given dtype
  ArenaLayout(const StepProgram& program, StageId stage, const std::function<DType(DType)>& stored_as);

  [[nodiscard]] const Allocation& at(const Instance& instance) const { return allocations_.at(instance); }
  [[nodiscard]] const std::unordered_map<Instance, Allocation, InstanceHash>& all() const {
    return allocations_;
  }
  /// Bytes to allocate: the peak plus the gaps between tensors.
  [[nodiscard]] std::int64_t capacity() const { return capacity_; }
  /// Most bytes alive at any operation, counted as the planner counts them: nominal dtypes, no alignment.
  [[nodiscard]] Bytes peak() const { return peak_; }

 private:
  void find_uses(const StepProgram& program, const std::vector<Run>& runs,
                 const std::function<DType(DType)>& stored_as);
  void hold_sent(const StepProgram& program, StageId stage, const std::vector<Run>& runs);
  void place_step_tensors(const StepProgram& program);
  void place_others(const StepProgram& program);
  void count_peak(const StepProgram& program);

  std::unordered_map<Instance, Allocation, InstanceHash> allocations_;
  std::vector<Instance> in_order_;  // in the order of first use
  std::size_t positions_ = 0;
  std::int64_t capacity_ = 0;
  Bytes peak_;
};

}  // namespace foreshard
