#pragma once

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/results/validation.hpp"
#include "runtime/comm/counting_communicator.hpp"
#include "runtime/execute/rank_plan.hpp"
#include "runtime/verify/counting_device.hpp"

namespace foreshard {

/// What one rank of a stage does in a step.
struct StepCounts {
  Flops flops;    ///< including masked scores of attention
  Bytes payload;  ///< of collectives and of sent transfers
  std::int64_t calls = 0;
};
/// What the program says. Collectives of groups with one member do not count.
StepCounts planned_counts(const StepProgram& program, StageId stage);
/// The same for one rank after a step that routed tokens to experts: the program's operations with the number
/// of rows that were routed. Without experts equal to planned_counts().
StepCounts routed_counts(const RankPlan& plan);
/// What device and communicator have counted on one rank.
StepCounts counted(const CountingDevice& device, const CountingCommunicator& communicator);

/// Compares planned and counted FLOPs, bytes and calls, summed over all ranks, with the number of rows that
/// were routed; and the largest arena of any rank with the ledger's peak. All ranks call it together. @pre
/// exactly one step was run since device.reset() and communicator.reset()
CountCheck check_counts(const RankPlan& plan, const CountingDevice& device,
                        CountingCommunicator& communicator, const MemoryReport& memory);

}  // namespace foreshard
