#include "runtime/calibrate/measure_kernels.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "planner/program/build/build_step_program.hpp"
#include "runtime/comm/loopback_communicator.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/measure/op_samples.hpp"

namespace foreshard {
namespace {

bool fits(const StepProgram& program, const Device& device, Communicator& wide, Bytes memory) {
  const ArenaLayout layout(program, StageId(0), [&](DType type) { return device.stored_as(type); });
  const bool lacks = layout.capacity() > memory.value();
  return wide.max_over_world(lacks ? 1.0 : 0.0) < 0.5;
}

/// Runs steps until their times are steady or the budget is spent. All ranks stop after the same step.
/// Returns the number of measured steps.
int run_steps(Executor& executor, Communicator& wide, const KernelBudget& budget, OpSamples& times) {
  executor.run_step();
  std::vector<Seconds> steps;
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  for (int done = 1;; ++done) {
    wide.barrier();
    executor.run_step();
    executor.report(times);
    steps.push_back(executor.step_time());
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    const MeasuredTime step = measured_time(steps);
    const bool spent = elapsed.count() > budget.time.value() || done >= budget.most_steps;
    const bool steady = done > budget.fewest_steps && step.spread / step.median < budget.steady;
    const bool goes_on = done < budget.fewest_steps || !(spent || steady);
    if (wide.max_over_world(goes_on ? 1.0 : 0.0) < 0.5) return done;
  }
}

/// Appends the median and the spread of every kernel, averaged over the ranks, to `into`.
void collect(const StepProgram& program, const OpSamples& times, int steps, Communicator& wide,
             KernelMeasurements& into) {
  const std::size_t first = into.kernels.size();
  std::vector<double> sums;  // median and spread of each kernel
  for (std::size_t block = 0; block < program.blocks.size(); ++block) {
    for (std::size_t op = 0; op < program.blocks[block].ops.size(); ++op) {
      const std::vector<Seconds>& samples = times.of(block, op);
      if (samples.empty() || is_communication(program.blocks[block].ops[op])) continue;
      const MeasuredTime time = measured_time(samples);
      sums.push_back(time.median.value());
      sums.push_back(time.spread.value());
      into.kernels.push_back({.program = into.programs.size(),
                              .op = program.blocks[block].ops[op],
                              .runs = static_cast<std::int64_t>(samples.size()) / steps,
                              .time = {}});
    }
  }
  const Buffer buffer{reinterpret_cast<std::byte*>(sums.data()), static_cast<std::int64_t>(sums.size()),
                      DType::fp64};
  const Piece piece{buffer, buffer};
  wide.run({.kind = CollectiveKind::all_reduce,
            .group = GroupKind::world,
            .reduction = Reduction::sum,
            .in_place = true,
            .pieces = std::span(&piece, 1)});
  const auto ranks = static_cast<double>(wide.size());
  for (std::size_t i = 0; first + i < into.kernels.size(); ++i)
    into.kernels[first + i].time = {Seconds(sums[2 * i] / ranks), Seconds(sums[2 * i + 1] / ranks)};
}

}  // namespace

KernelMeasurements measure_kernels(std::span<const JobSpec> probes, Device& device, Communicator& wide,
                                   const KernelBudget& budget) {
  KernelMeasurements measured;
  LoopbackCommunicator alone;
  int done = 0;
  for (const JobSpec& job : probes) {
    StepProgram program = build_step_program(job);
    if (fits(program, device, wide, budget.memory)) {
      RankPlan plan(program, device, alone);
      Executor executor(plan, device, alone);
      executor.initialize_for_timing();
      OpSamples times(program);
      const int steps = run_steps(executor, wide, budget, times);
      collect(program, times, steps, wide, measured);
      measured.programs.push_back(std::move(program));
    }
    if (budget.progress) budget.progress(++done, static_cast<int>(probes.size()));
  }
  if (measured.kernels.empty())
    throw std::runtime_error("there is not enough memory to measure kernels: run fewer ranks on this host");
  return measured;
}

}  // namespace foreshard
