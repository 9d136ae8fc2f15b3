#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/fit/measured_time.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// The measured time of one operation of a step program.
struct MeasuredKernel {
  std::size_t program = 0;  ///< index into KernelMeasurements::programs
  Op op{};
  std::int64_t runs = 1;  ///< runs per step: layers × micro-batches
  MeasuredTime time{};    ///< of one run, averaged over ranks
};

/// The measured kernels of several programs, and the programs.
struct KernelMeasurements {
  std::vector<StepProgram> programs;
  std::vector<MeasuredKernel> kernels;
};

}  // namespace foreshard
