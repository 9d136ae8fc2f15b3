#pragma once

#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/explain/step_part.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// One part of the step: mean over devices.
struct WaterfallPart {
  StepPart part = StepPart::ideal;
  Seconds time;
  BoundTimes bounds{};  ///< what limits it, as time; all 0 where a part is waiting
};

/// The way from the ideal to the step, by StepPart.
///   ideal + masked + extra_work + precision + sustained + shapes = the products, and the FLOPs of attention
///   cores and scans at the job's peak
/// and with all other parts the step time. What kernels take beyond their own times is contention; of the
/// pipeline's bubble, what the busiest stage's kernels take beyond the mean is imbalance.
struct Waterfall {
  std::vector<WaterfallPart> parts;  ///< every part, in the order of StepPart
  Seconds step;

  [[nodiscard]] const WaterfallPart& operator[](StepPart part) const {
    return parts[static_cast<std::size_t>(part)];
  }
  /// The parts that make the step longer than the ideal, the largest first.
  [[nodiscard]] std::vector<WaterfallPart> losses() const;
};

/// @pre `estimate` is the estimate of `job` from `program`
Waterfall waterfall(const JobSpec& job, const StepProgram& program, const Estimate& estimate);

}  // namespace foreshard
