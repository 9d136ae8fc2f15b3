#include "runtime/execute/code_limits.hpp"

#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "planner/program/build/build_step_program.hpp"
#include "runtime/execute/magnitude_slots.hpp"

namespace foreshard {
namespace {

/// Blocks of a matrix that is not a whole number of them would be cut at other places than those of a shard.
std::optional<std::string> uneven_blocks(const StepProgram& program) {
  for (const Tensor& tensor : program.tensors) {
    const bool has_blocks = tensor.dtype == DType::fp8_block || tensor.dtype == DType::mxfp8;
    if (!has_blocks) continue;
    const std::int64_t block = tensor.dtype == DType::mxfp8 ? 32 : 128;
    const std::size_t first = tensor.dims.size() == 3 ? 1 : 0;  // experts' weights: one matrix each
    for (std::size_t i = first; i < tensor.dims.size(); ++i) {
      if (tensor.dims[i].local() % block == 0) continue;
      return fmt::format(
          "training.fp8_scaling: scales of {} elements are executed where they divide every matrix, and {} "
          "has {} of "
          "them on a rank",
          block, tensor.label, tensor.dims[i].local());
    }
  }
  return std::nullopt;
}

std::optional<std::string> too_many_magnitudes(const StepProgram& program) {
  const std::optional<TensorId> magnitudes = MagnitudeSlots::magnitudes_of(program);
  if (!magnitudes) return std::nullopt;
  const std::int64_t planned = program.tensor(*magnitudes).local_elements();
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    const std::int64_t needed = MagnitudeSlots(program, StageId(stage)).count();
    if (needed <= planned) continue;
    return fmt::format(
        "training.fp8_scaling: delayed: stage {} keeps {} magnitudes where {} are planned for a chunk of "
        "layers; with so "
        "many layers on it, say tensorwise",
        stage, needed, planned);
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> what_codes_lack(const JobSpec& job) {
  const TrainingSpec& training = job.training;
  if (!is_scaled(product_type(training.precision, training.fp8_scaling))) return {};
  std::vector<std::string> lacks;
  if (!job.cluster.accelerator.is_cpu)
    lacks.emplace_back(
        "training.precision: products in 8 bits are executed on CPUs alone, which emulate them; on GPUs say "
        "bf16 or "
        "fp32");
  if (training.low_precision.parameter_gather)
    lacks.emplace_back(
        "training.fp8_parameter_gather: weights that are kept in 8 bits are planned, not executed; say "
        "false");
  if (training.low_precision.attention != AttentionPrecision::bf16)
    lacks.emplace_back("training.attention_precision: attention in fp8 is planned, not executed; say bf16");
  if (!lacks.empty()) return lacks;
  const StepProgram program = build_step_program(job);
  for (const auto& lack : {uneven_blocks(program), too_many_magnitudes(program)}) {
    if (lack) lacks.push_back(*lack);
  }
  return lacks;
}

}  // namespace foreshard
