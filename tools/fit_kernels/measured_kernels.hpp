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

/// Which constants a set of measured kernels says something about.
enum class Family : std::uint8_t { gemm, grouped_gemm, attention, memory, unfused };

/// What somebody timed: one operation, or several as one, as an attention core forward and backward.
struct MeasuredKernel {
  StepProgram program;  ///< the tensors that the operations name
  std::vector<Op> ops;
  std::optional<FlashVersion> flash;
  Seconds time;
};

/// Kernels of one source on one device: one curve.
struct MeasuredSet {
  Family family = Family::gemm;
  std::vector<MeasuredKernel> kernels;
};

/// The sets in the CSV files of a directory (configs/physics), by name.
/// @throws std::runtime_error with file and line where a row cannot be read
std::map<std::string, MeasuredSet> read_measured_kernels(const std::filesystem::path& directory);

}  // namespace foreshard::fit
