#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/program/step_program.hpp"
#include "runtime/measure/measured_time.hpp"

namespace foreshard {

/// One operation of a step program, as it was measured.
struct MeasuredKernel {
  std::size_t program = 0;  ///< into KernelMeasurements::programs
  Op op{};
  std::int64_t runs = 1;  ///< in one step: layers and micro-batches
  MeasuredTime time{};    ///< of one run; mean over ranks
};

/// Kernels of several steps, each with the program that says what it touches.
struct KernelMeasurements {
  std::vector<StepProgram> programs;
  std::vector<MeasuredKernel> kernels;
};

}  // namespace foreshard
