#pragma once

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/report/validation.hpp"
#include "runtime/comm/counting_communicator.hpp"
#include "runtime/execute/rank_plan.hpp"
#include "runtime/verify/counting_device.hpp"

namespace foreshard {

/// What a program says that one rank of a stage does in a step.
struct StepCounts {
  Flops flops;    ///< as executed without skipping what a mask hides
  Bytes payload;  ///< of collectives and of what is sent
  std::int64_t calls = 0;
};
/// Groups of one member communicate nothing.
StepCounts planned_counts(const StepProgram& program, StageId stage);
/// The same of one rank whose last step routed tokens to experts: the program's operations on the rows that
/// there were. Equal to planned_counts() without experts.
StepCounts routed_counts(const RankPlan& plan);
/// What one rank was counted to do.
StepCounts counted(const CountingDevice& device, const CountingCommunicator& communicator);

/// Planned against counted, summed over all ranks, with as many routed rows as there were; and the fullest
/// rank's arena against the ledger's peak. All ranks together, after one step between device.reset() and now.
CountCheck check_counts(const RankPlan& plan, const CountingDevice& device,
                        CountingCommunicator& communicator, const MemoryReport& memory);

}  // namespace foreshard
