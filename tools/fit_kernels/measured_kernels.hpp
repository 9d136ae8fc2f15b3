#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/kernel_constants.hpp"

namespace foreshard::fit {

/// The family of a set of measured kernels: it decides which constants are fitted to the set.
enum class Family : std::uint8_t { gemm, grouped_gemm, attention, memory, unfused };

/// One measurement: the time of one operation, or of several together, such as an attention core forward and
/// backward.
struct MeasuredKernel {
  StepProgram program;  ///< contains the operations' tensors
  std::vector<Op> ops;
  std::optional<FlashVersion> flash;
  Seconds time;
};

/// Kernels of one source on one device: the points of one measured curve.
struct MeasuredSet {
  Family family = Family::gemm;
  std::vector<MeasuredKernel> kernels;
};

/// The sets in the CSV files of a directory (configs/physics), by name.
/// @throws std::runtime_error with file and line if a row cannot be read
std::map<std::string, MeasuredSet> read_measured_kernels(const std::filesystem::path& directory);

}  // namespace foreshard::fit
