#include <array>
#include <string>

#include <fmt/core.h>

#include "planner/spec/job/validate_parts.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {
namespace {

using Findings = std::vector<Illegality>;

/// The matrix units that a precision needs. All scalings of fp8 run on the same units.
DType units_of(Precision precision) {
  return precision == Precision::fp8 ? DType::fp8 : product_type(precision, Fp8Scaling::tensorwise);
}

bool has_units(const AcceleratorSpec& accelerator, Precision precision) {
  return accelerator.gemm[static_cast<std::size_t>(units_of(precision))].has_value();
}

bool is_low(const TrainingSpec& training) {
  return is_scaled(product_type(training.precision, training.fp8_scaling));
}

std::string needs_low(const TrainingSpec& training, std::string_view key) {
  return fmt::format("{} is for fp8, mxfp8 and nvfp4, and the precision is {}", key,
                     word_of(training.precision));
}

void check_parameter_gather(const JobSpec& job, Findings& findings) {
  const char* const path = "training.fp8_parameter_gather";
  const TrainingSpec& training = job.training;
  if (!training.low_precision.parameter_gather) return;
  if (!is_low(training)) {
    findings.push_back({path, needs_low(training, "gathering weights in fp8"), "allowed here: false"});
  } else if (training.precision == Precision::fp8 && training.fp8_scaling == Fp8Scaling::rowwise) {
    findings.push_back({path,
                        "torchao gathers weights scaled by rows in bf16: forward and backward scale them "
                        "along other dimensions",
                        "allowed here: false, or fp8_scaling: tensorwise"});
  } else if (job.parallelism.zero == 0) {
    findings.push_back({path, "without ZeRO no weights are gathered, and no fp32 masters of a share are kept",
                        "allowed here: false, or parallelism.zero: 1, 2 or 3"});
  }
}

void check_attention_precision(const JobSpec& job, Findings& findings) {
  const char* const path = "training.attention_precision";
  const TrainingSpec& training = job.training;
  if (training.low_precision.attention == AttentionPrecision::bf16) return;
  if (!is_low(training)) {
    findings.push_back({path, needs_low(training, "attention in fp8"), "allowed here: bf16"});
  } else if (training.attention != AttentionKind::flash) {
    findings.push_back({path, "only flash attention has fp8 kernels, and attention is unfused",
                        "allowed here: bf16, or attention: flash"});
  } else if (!has_units(job.cluster.accelerator, Precision::fp8)) {
    findings.push_back({path, fmt::format("{} has no fp8 matrix units", job.cluster.accelerator.name),
                        "allowed here: bf16"});
  }
}

void check_bf16_layers(const JobSpec& job, Findings& findings) {
  const LowPrecisionSpec& low = job.training.low_precision;
  if (low.bf16_first + low.bf16_last == 0) return;
  if (!is_low(job.training)) {
    findings.push_back(
        {"training.bf16_layers", needs_low(job.training, "keeping layers in bf16"), "leave the key out"});
  } else if (low.bf16_first + low.bf16_last >= job.model.layers) {
    findings.push_back({"training.bf16_layers",
                        fmt::format("{} and {} of {} layers leave none for {}", low.bf16_first, low.bf16_last,
                                    job.model.layers, word_of(job.training.precision)),
                        fmt::format("allowed here: less than {} in all", job.model.layers)});
  }
}

}  // namespace

void check_precision(const JobSpec& job, Findings& findings) {
  const AcceleratorSpec& accelerator = job.cluster.accelerator;
  if (!has_units(accelerator, job.training.precision)) {
    std::string names;
    for (const Named<Precision>& named : kWords<Precision>) {
      if (has_units(accelerator, named.value))
        names += fmt::format("{}{}", names.empty() ? "" : ", ", named.word);
    }
    findings.push_back(
        {"training.precision",
         fmt::format("{} has no {} matrix units", accelerator.name, word_of(job.training.precision)),
         names.empty() ? "" : "allowed here: " + names});
  }
  check_parameter_gather(job, findings);
  check_attention_precision(job, findings);
  check_bf16_layers(job, findings);
}

}  // namespace foreshard::detail
