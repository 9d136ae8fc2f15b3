#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "planner/program/schedule/timeline.hpp"
#include "planner/program/step_program.hpp"
#include "sim/disturb/disturbance.hpp"
#include "sim/step/simulation_result.hpp"

namespace foreshard {

struct SimulationOptions {
  /// Share of the multiprocessors that a communication takes away from concurrent kernels: while a collective
  /// or transfer of a rank runs, its compute lane runs at speed 1 − share. At least 0, less than 1; 0: no
  /// interference. Rounded to a millionth.
  double communication_share = 0.0;
  /// The same of exchanges of experts' tokens; unsaid, as other communications. Of several that run at a time, the
  /// largest share counts.
  std::optional<double> exchange_share{};
  /// Length of the launch queue: how many block calls the host issues ahead of the compute lane. At least 1.
  std::int64_t blocks_ahead = 64;
  /// Time from the end of what the host waits for (Op::host_awaits) until the host goes on. In [0, 1 s];
  /// rounded to a picosecond.
  Seconds read_back{0.0};
  /// Record the critical path.
  bool critical_path = true;
  /// Simulate every rank of the job instead of one rank that stands for each stage. Without disturbances both
  /// give the same step to the picosecond.
  bool every_rank = false;
  /// Compute only the times of the step and of each rank: no timeline, no critical path, no memory over time,
  /// no times by component. Takes less time and memory, because consecutive kernels can be merged into one
  /// task.
  bool totals_only = false;
  /// Slow devices and jitter, which make ranks differ. @pre every_rank is set, or this is empty
  Disturbance disturbance{};
  /// Called from time to time with the number of tasks that have ended and of all tasks; may be empty. It
  /// does not influence the result.
  std::function<void(std::uint64_t done, std::uint64_t of)> progress{};
};

/// @throws std::invalid_argument for options out of range.
void check_options(const SimulationOptions& options);

/// Simulates when each operation of a training step runs, by default on one rank of every pipeline stage: the
/// other ranks of a stage do the same at the same time, so one stands for all.
///
///   lanes        first-in first-out in program order; kernels share one lane, each kind of group has its own
///   data         a read waits for the last write of the instance, a write also for the reads since then;
///                a tensor has an instance per layer, micro-batch or run of a block, by its lifetime
///   edges        after_compute, blocks_compute, prefetch_blocks and pipelined, as the program sets them
///                (planner/program/ops/op.hpp)
///   transfers    a Send starts when its data is ready and takes the transfer's time; the matching Recv (the
///                k-th Recv of a direction matches the k-th Send) ends when the Send ends
///   collectives  within one stage start when the lane and the data are ready; those of several stages
///                (world, tied, pp) start when this holds for the last of them
///
/// The same program and times give the same result, span for span. Simulations are independent of each other.
/// @throws Deadlock (sim/step/deadlock_report.hpp) if the program cannot be run to its end;
/// std::invalid_argument for options out of range; and what plan_program throws.
SimulationResult simulate_step(const StepProgram& program, const OpTimes& times, TimelineSink& timeline,
                               const SimulationOptions& options = {});

/// The same with the times of a cost model.
SimulationResult simulate_step(const StepProgram& program, const CostModel& cost, TimelineSink& timeline,
                               const SimulationOptions& options = {});

}  // namespace foreshard
