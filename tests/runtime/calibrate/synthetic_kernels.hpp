#pragma once

#include <functional>
#include <vector>

#include "planner/cost/ops/kernel_model.hpp"
#include "planner/fit/measured_kernel.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::test {

/// A machine with known constants: round figures, all different.
inline AcceleratorSpec known_machine() {
  AcceleratorSpec machine;
  machine.name = "known";
  machine.is_cpu = true;
  machine.memory_bandwidth = BytesPerSecond(20e9);
  machine.gemm[static_cast<std::size_t>(DType::fp32)] =
      GemmRate{.peak = FlopsPerSecond(80e9), .efficiency = 0.9};
  KernelConstants& constants = machine.kernels;
  constants.gemm_fixed = Seconds(5e-6);
  constants.gemm_k_prologue = 40;
  constants.gemm_accumulate = 0.8;
  constants.launch = Seconds(1e-6);
  constants.memory_efficiency = 0.5;
  constants.memory_half_size = Bytes(32 << 10);
  const auto set = [&](MemoryPass pass, MemoryFraction fraction) {
    constants.memory_fraction[static_cast<std::size_t>(pass)] = fraction;
  };
  set(MemoryPass::elementwise, {.forward = 1.0, .backward = {}});  // the fastest: its rate is the bandwidth
  set(MemoryPass::norm, {.forward = 0.4, .backward = 0.25});
  set(MemoryPass::activation, {.forward = 0.2, .backward = 0.1});
  constants.attention[static_cast<std::size_t>(FlashVersion::fa2)] =
      FlashAttention{.forward = {.efficiency = 0.5, .score_cost = 30.0, .key_prologue = 60.0},
                     .backward = {.efficiency = 0.4, .score_cost = 10.0, .key_prologue = 100.0}};
  machine.usual_flash = FlashVersion::fa2;
  return machine;
}

/// What measuring the kernels of these jobs on the machine would give. The time of kernel number i is
/// multiplied by noise(i).
inline KernelMeasurements measured_on(const AcceleratorSpec& machine, const std::vector<JobSpec>& jobs,
                                      const std::function<double(std::size_t)>& noise) {
  const KernelModel model(machine);
  KernelMeasurements measured;
  for (const JobSpec& job : jobs) {
    measured.programs.push_back(build_step_program(job));
    const StepProgram& program = measured.programs.back();
    const std::vector<std::int64_t> runs = count_block_calls(program, StageId(0));
    for (std::size_t block = 0; block < program.blocks.size(); ++block) {
      for (const Op& op : program.blocks[block].ops) {
        if (runs[block] == 0 || is_communication(op)) continue;
        const Seconds time = noise(measured.kernels.size()) * model.time(op, program).time;
        measured.kernels.push_back({.program = measured.programs.size() - 1,
                                    .op = op,
                                    .runs = runs[block],
                                    .time = {.median = time, .spread = 0.01 * time}});
      }
    }
  }
  return measured;
}

}  // namespace foreshard::test
