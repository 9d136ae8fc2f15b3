#pragma once

#include <cstdint>
#include <functional>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "planner/program/schedule/timeline.hpp"
#include "planner/program/step_program.hpp"
#include "sim/disturb/disturbance.hpp"
#include "sim/step/simulation_result.hpp"

namespace foreshard {

struct SimulationOptions {
  /// Share of its multiprocessors that a communication takes from the kernels beside it: while a collective
  /// or a transfer of a rank runs, its compute lane works at 1 − share. At least 0, less than 1; 0: no
  /// interference. Rounded to a millionth.
  double communication_share = 0.0;
  /// How many visits of blocks the host issues ahead of the compute lane. At least 1.
  std::int64_t blocks_ahead = 64;
  /// What it takes the host to submit one kernel. A visit's last kernel starts when the host has submitted
  /// all kernels of the visit and of those before. In [0, 1 s]; rounded to a picosecond; 0: no limit.
  Seconds host_submit{0.0};
  /// Follow the critical path.
  bool critical_path = true;
  /// Play every rank of the job instead of one that stands for each stage. Where nothing disturbs them, the
  /// step is the same to the picosecond.
  bool every_rank = false;
  /// Only the times of the step and of each rank are asked for: no timeline, no critical path, no memory over
  /// time, no components. Takes less time and memory, for kernels in a row can be one task.
  bool totals_only = false;
  /// What makes ranks differ. @pre with every_rank, or empty
  Disturbance disturbance{};
  /// Told now and then how many of the simulation's tasks have ended, of how many; may be empty. Changes
  /// nothing.
  std::function<void(std::uint64_t done, std::uint64_t of)> progress{};
};

/// @throws std::invalid_argument for options out of range.
void check_options(const SimulationOptions& options);

/// When each operation of a training step happens, on one rank of every pipeline stage: the members of the
/// other groups do the same at the same time, so one stands for all.
///
///   lanes        first-in first-out in program order; kernels on one, each kind of group on its own
///   data         a read waits for the last write of the instance, a write also for the reads since;
///   instances by
///                lifetime: per layer, micro-batch, run of a block
///   edges        after_compute, blocks_compute, prefetch_blocks and pipelined as the program says
///   (planner/program/ops/op.hpp) transfers    a Send starts when its data is ready and takes the transfer's
///   time; the Recv that meets it (the k-th of
///                its direction) ends when it does
///   collectives  of one stage start when the lane and the data are ready; those of several stages (world,
///   tied, pp)
///                when the last stage is
///
/// The same program and times give the same result, span for span. Two simulations do not know of each other.
/// @throws Deadlock (sim/step/deadlock_report.hpp) if the program cannot be run to its end;
/// std::invalid_argument for options out of range; as plan_program.
SimulationResult simulate_step(const StepProgram& program, const OpTimes& times, TimelineSink& timeline,
                               const SimulationOptions& options = {});

/// The same with the times of a cost model.
SimulationResult simulate_step(const StepProgram& program, const CostModel& cost, TimelineSink& timeline,
                               const SimulationOptions& options = {});

}  // namespace foreshard
