#include "planner/cost/step/check_estimate.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "planner/spec/types/names.hpp"
#include "planner/units/result_error.hpp"

namespace foreshard {

namespace {

/// One figure of the input and its plausible range, which is orders of magnitude wider than that of real
/// hardware and trainings.
struct InputRange {
  std::string path;
  double value = 0.0;
  double least = 0.0;
  double most = 0.0;
};

constexpr double kLeastEfficiency = 1e-4;
constexpr double kLeastBandwidth = 1e5;  // B/s
constexpr double kMostBandwidth = 1e17;
constexpr double kMostLatency = 1.0;  // s

void add_ranges_of_link(std::vector<InputRange>& inputs, const std::string& path, const char* bandwidth,
                        const LinkSpec& link) {
  inputs.push_back({path + bandwidth, link.bandwidth.value(), kLeastBandwidth, kMostBandwidth});
  inputs.push_back({path + ".efficiency", link.efficiency, kLeastEfficiency, 1.0});
  inputs.push_back({path + ".latency", link.latency.value(), 0.0, kMostLatency});
}

void add_ranges_of_accelerator(std::vector<InputRange>& inputs, const AcceleratorSpec& accelerator) {
  const std::string path = "accelerator " + accelerator.name + ": ";
  for (std::size_t type = 0; type < accelerator.gemm.size(); ++type) {
    if (!accelerator.gemm[type]) continue;
    const std::string gemm = path + "gemm." + std::string(word_of(static_cast<DType>(type)));
    inputs.push_back({gemm + ".peak", accelerator.gemm[type]->peak.value(), 1e6, 1e19});
    inputs.push_back({gemm + ".efficiency", accelerator.gemm[type]->efficiency, kLeastEfficiency, 1.0});
  }
  const KernelConstants& kernels = accelerator.kernels;
  inputs.push_back(
      {path + "memory.bandwidth", accelerator.memory_bandwidth.value(), kLeastBandwidth, kMostBandwidth});
  inputs.push_back({path + "kernels.memory_efficiency", kernels.memory_efficiency, kLeastEfficiency, 1.0});
  inputs.push_back({path + "kernels.memory_half_size", kernels.memory_half_size.as_double(), 0.0, 1e12});
  inputs.push_back({path + "kernels.gemm_fixed", kernels.gemm_fixed.value(), 0.0, kMostLatency});
  inputs.push_back({path + "kernels.gemm_accumulate", kernels.gemm_accumulate, kLeastEfficiency, 10.0});
  inputs.push_back({path + "kernels.grouped_efficiency", kernels.grouped_efficiency, kLeastEfficiency, 10.0});
  inputs.push_back({path + "kernels.grouped_fixed", kernels.grouped_fixed.value(), 0.0, kMostLatency});
  inputs.push_back({path + "kernels.launch", kernels.launch.value(), 0.0, kMostLatency});
  inputs.push_back({path + "kernels.submit", kernels.submit.value(), 0.0, kMostLatency});
  inputs.push_back({path + "kernels.device_spread", kernels.device_spread, 0.0, 1.0});
}

void add_ranges_of_failures(std::vector<InputRange>& inputs, const FailureSpec& failures) {
  const std::string path = "training.failures.";
  inputs.push_back({path + "mtbf_per_device", failures.mtbf_per_device.value(), 1.0, 1e12});
  inputs.push_back({path + "checkpoint_write", failures.checkpoint_write.value(), 0.0, 1e6});
  inputs.push_back({path + "restart", failures.restart.value(), 0.0, 1e6});
  if (failures.checkpoint_interval)
    inputs.push_back({path + "checkpoint_interval", failures.checkpoint_interval->value(), 0.0, 1e9});
  if (failures.repair) inputs.push_back({path + "repair", failures.repair->value(), 0.0, 1e9});
}

std::vector<InputRange> inputs_of(const JobSpec& job) {
  std::vector<InputRange> inputs;
  const ClusterSpec& cluster = job.cluster;
  add_ranges_of_accelerator(inputs, cluster.accelerator);
  if (cluster.devices_per_node > 1) add_ranges_of_link(inputs, "cluster.link", ".bandwidth", cluster.link);
  if (cluster.nodes > 1)
    add_ranges_of_link(inputs, "cluster.network", ".bandwidth_per_device", cluster.network.link);
  if (cluster.nccl) inputs.push_back({"cluster.nccl.fixed", cluster.nccl->fixed.value(), 0.0, kMostLatency});
  if (cluster.price)
    inputs.push_back({"cluster.price_per_device_hour", cluster.price->value() * kHour.value(), 0.0, 1e6});
  if (cluster.power) inputs.push_back({"cluster.power_per_device", cluster.power->value(), 0.0, 1e7});
  if (job.training.tokens) inputs.push_back({"training.tokens", job.training.tokens->as_double(), 0.0, 1e18});
  if (job.training.failures) add_ranges_of_failures(inputs, *job.training.failures);
  return inputs;
}

/// "; 'cluster.link.latency' of 2000 is likely to blame"
std::string likely_cause(const JobSpec& job) {
  for (const InputRange& input : inputs_of(job)) {
    if (!(input.value >= input.least && input.value <= input.most))
      return fmt::format("; '{}', which is {:g} in base units, is likely to blame", input.path, input.value);
  }
  return "; look for a rate, an efficiency or a time in the cluster or its accelerator that cannot be";
}

/// Checks figures one by one; throws at the first that is out of range.
class FigureCheck {
 public:
  explicit FigureCheck(const JobSpec& job) : job_(job) {}

  /// @param most  the largest value that can be printed in the figure's unit
  void figure(const char* name, double value, double most, const char* unit) const {
    if (value >= 0.0 && value <= most) return;
    throw ResultError(fmt::format("{} comes out as {:g}{}{}{}", name, value, *unit == '\0' ? "" : " ", unit,
                                  likely_cause(job_)));
  }
  void time(const char* name, Seconds time) const { figure(name, time.value(), kMostTime, "s"); }
  void share(const char* name, double value) const { figure(name, value, kMostRatio, ""); }

 private:
  static constexpr double kMostTime = 1e15;  // s, 32 million years
  static constexpr double kMostRatio = 1e6;
  const JobSpec& job_;
};

void check_step_figures(const FigureCheck& check, const StepFigures& step) {
  const StepBreakdown& parts = step.breakdown;
  check.time("the step time", step.time);
  check.time("the step's lower bound", step.time_low);
  check.time("the step's upper bound", step.time_high);
  check.time("the step's compute", parts.compute);
  check.time("the exposed time of tp", parts.tp_exposed);
  check.time("the exposed time of pp", parts.pp_exposed);
  check.time("the exposed time of dp", parts.dp_exposed);
  check.time("the exposed time of cp", parts.cp_exposed);
  check.time("the exposed time of ep", parts.ep_exposed);
  check.time("the exposed time of offload", parts.offload_exposed);
  check.time("the pipeline bubble", parts.bubble);
  check.time("the optimizer's time", parts.optimizer);
  check.time("the host's time", parts.overhead);
  check.time("the time of GEMMs", step.detail.gemms);
  check.time("the time of the attention core", step.detail.attention_core);
  check.time("the time of scans", step.detail.scans);
  check.time("the time of memory-bound kernels", step.detail.memory_bound);
  check.share("the rate of GEMMs over their peak", step.detail.gemm_fraction_of_peak);
  check.share("the MFU", step.mfu);
  check.share("the HFU", step.hfu);
  check.share("the MFU of causal attention", step.mfu_causal);
  check.share("the bubble's share", step.bubble_fraction);
}

void check_training_figures(const FigureCheck& check, const TrainingFigures& training) {
  constexpr double kMostMoney = 1e18;
  constexpr double kMostEnergy = 1e24;
  if (training.steps) check.figure("the number of steps", *training.steps, 1e18, "");
  if (training.time) check.time("the time of the training", *training.time);
  if (training.device_hours) check.figure("the training's device hours", *training.device_hours, 1e18, "h");
  if (training.cost) check.figure("the cost of the training", training.cost->value(), kMostMoney, "USD");
  if (training.energy) check.figure("the energy of the training", training.energy->value(), kMostEnergy, "J");
  if (!training.failures) return;
  const FailureFigures& failures = *training.failures;
  check.time("the time between failures", failures.mtbf);
  check.time("the interval of checkpoints", failures.interval);
  check.share("the goodput", failures.goodput);
  if (failures.failures) check.figure("the number of failures", *failures.failures, 1e18, "");
  if (failures.time) check.time("the time of the training with failures", *failures.time);
  if (failures.device_hours)
    check.figure("the device hours with failures", *failures.device_hours, 1e18, "h");
  if (failures.cost) check.figure("the cost with failures", failures.cost->value(), kMostMoney, "USD");
}

}  // namespace

void check_estimate(const JobSpec& job, const Estimate& estimate) {
  const FigureCheck check(job);
  check_step_figures(check, estimate.step);
  constexpr std::array kAxes{"tp", "pp", "dp", "cp", "ep", "offload"};
  for (std::size_t axis = 0; axis < kCommAxisCount; ++axis)
    check.time(fmt::format("the communication of {}", kAxes[axis]).c_str(),
               estimate.communication[axis].time);
  check_training_figures(check, estimate.training);
}

}  // namespace foreshard
