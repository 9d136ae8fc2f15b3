#include "planner/explain/waterfall.hpp"

#include <algorithm>

#include "planner/cost/step/model_figures.hpp"
#include "planner/explain/kernel_sums.hpp"

namespace foreshard {
namespace {

struct AxisPart {
  StepPart part;
  CommAxis axis;
  Seconds StepBreakdown::*exposed;
};
constexpr std::array<AxisPart, kCommAxisCount> kAxisParts{
    {{StepPart::tp, CommAxis::tp, &StepBreakdown::tp_exposed},
     {StepPart::cp, CommAxis::cp, &StepBreakdown::cp_exposed},
     {StepPart::ep, CommAxis::ep, &StepBreakdown::ep_exposed},
     {StepPart::pp, CommAxis::pp, &StepBreakdown::pp_exposed},
     {StepPart::dp, CommAxis::dp, &StepBreakdown::dp_exposed},
     {StepPart::offload, CommAxis::offload, &StepBreakdown::offload_exposed}}};

class WaterfallSum {
 public:
  WaterfallSum(const JobSpec& job, const StepProgram& program, const Estimate& estimate)
      : job_(job),
        program_(program),
        estimate_(estimate),
        cost_(job),
        stages_(sum_kernels(program, cost_, price_operations(program, cost_))) {
    for (const KernelSums& stage : stages_) mean_.add(stage, 1.0 / static_cast<double>(stages_.size()));
  }

  Waterfall run() {
    result_.step = estimate_.step.time;
    for (std::size_t part = 0; part < kStepPartCount; ++part)
      result_.parts.push_back(
          {.part = static_cast<StepPart>(part), .time = mean_.time[part], .bounds = mean_.bounds[part]});
    add_ideal();
    add_waits();
    add_optimizer();
    return std::move(result_);
  }

 private:
  WaterfallPart& part(StepPart which) { return result_.parts[static_cast<std::size_t>(which)]; }
  /// Adds time that has one limit.
  void add(StepPart which, Seconds time, Bound bound) {
    part(which).time += time;
    part(which).bounds[static_cast<std::size_t>(bound)] += time;
  }
  [[nodiscard]] Seconds at_peak(FlopsTotal flops) const {
    return flops / (static_cast<double>(job_.cluster.devices()) * cost_.peak());
  }

  /// The ideal holds the FLOPs of products, attention cores and scans: the parts that hold the time of these
  /// kernels keep only what is beyond.
  void add_ideal() {
    const StepFigures& step = estimate_.step;
    const Seconds counted = at_peak(step.model_flops);
    const Seconds executed = at_peak(step.model_flops_causal);
    const ModelFlops micro_batch = count_model_flops(job_, program_);
    const Flops core(job_.model.causal ? micro_batch.attention_core.value() / 2
                                       : micro_batch.attention_core.value());
    const Int128 runs = static_cast<Int128>(program_.micro_batches) * job_.parallelism.dp;
    const Seconds of_core = at_peak(as_total(core) * runs);
    add(StepPart::ideal, counted, Bound::compute);
    add(StepPart::masked, executed - counted, Bound::compute);
    add(StepPart::attention, -of_core, Bound::compute);
    add(StepPart::scans, -mean_.scan_ideal, Bound::compute);
    add(StepPart::extra_work, of_core + mean_.scan_ideal - executed, Bound::compute);
  }

  void add_waits() {
    const StepBreakdown& breakdown = estimate_.step.breakdown;
    part(StepPart::contention).time = breakdown.compute - mean_.kernels();
    for (const AxisPart& axis : kAxisParts) {
      const auto index = static_cast<std::size_t>(axis.axis);
      const Seconds exposed = breakdown.*axis.exposed;
      const Seconds all = mean_.communication[index];
      const double latency = all > Seconds() ? mean_.latency[index] / all : 0.0;
      add(axis.part, exposed * latency, Bound::latency);
      add(axis.part, exposed - exposed * latency, Bound::link);
    }
    Seconds busiest;
    for (const KernelSums& stage : stages_) busiest = std::max(busiest, stage.kernels());
    const Seconds uneven = std::min(busiest - mean_.kernels(), breakdown.bubble);
    part(StepPart::imbalance).time = uneven;
    part(StepPart::bubble).time = breakdown.bubble - uneven;
    add(StepPart::host, breakdown.overhead, Bound::latency);
  }

  void add_optimizer() {
    const LimitTimes& limited =
        estimate_.step.detail.limited[static_cast<std::size_t>(ComputePart::optimizer)];
    WaterfallPart& optimizer = part(StepPart::optimizer);
    optimizer.time = estimate_.step.breakdown.optimizer;
    optimizer.bounds = {limited[static_cast<std::size_t>(Limit::compute)],
                        limited[static_cast<std::size_t>(Limit::memory)],
                        limited[static_cast<std::size_t>(Limit::launch)], Seconds()};
  }

  const JobSpec& job_;
  const StepProgram& program_;
  const Estimate& estimate_;
  CostModel cost_;
  std::vector<KernelSums> stages_;
  KernelSums mean_;
  Waterfall result_;
};

}  // namespace

std::vector<WaterfallPart> Waterfall::losses() const {
  std::vector<WaterfallPart> losses;
  for (const WaterfallPart& one : parts) {
    if (one.part != StepPart::ideal && one.time > Seconds()) losses.push_back(one);
  }
  std::stable_sort(losses.begin(), losses.end(),
                   [](const WaterfallPart& a, const WaterfallPart& b) { return a.time > b.time; });
  return losses;
}

Waterfall waterfall(const JobSpec& job, const StepProgram& program, const Estimate& estimate) {
  return WaterfallSum(job, program, estimate).run();
}

}  // namespace foreshard
