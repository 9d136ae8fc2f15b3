#pragma once

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Target coverage: this share of measured step times should lie inside the band around the predicted time.
inline constexpr double kBandShare = 0.8;

/// How far measured steps lie from predicted ones: measured / predicted − 1, as quantiles of published runs.
struct Deviations {
  double tenth = 0.0;  ///< a tenth of the runs lies below
  double quarter = 0.0;
  double median = 0.0;
  double three_quarters = 0.0;
  double nine_tenths = 0.0;
};

/// The published runs in configs/measured; a source weighs as the square root of the number of its runs
/// (planner/score/band_fit.hpp). They are those of dense models on accelerators of which products were measured;
/// others are width_of() times as far from the median. They give bands, and move no prediction. `foreshard score
/// --bands --worst 0` prints what the runs ask for, and how well it holds for a source that was left out.
inline constexpr Deviations kPublished{-0.057, -0.012, 0.043, 0.106, 0.239};

/// The same around the median of three others of the same source and accelerator, with other plans: what is left
/// where a user gives runs of his own system (--like-run).
inline constexpr Deviations kAroundOwnRuns{-0.126, -0.041, 0.002, 0.052, 0.143};

/// Bands of models with experts are so many times as wide.
inline constexpr double kExpertsWidth = 1.3;
/// The same where nobody measured products of the accelerator in public: derived, assumed, announced.
inline constexpr double kDerivedWidth = 1.3;

/// How much wider the band of a job is than that of a dense model on an accelerator whose products were
/// measured.
double width_of(const JobSpec& job);

/// `deviations`, `width` times as far from their median.
Deviations widened(const Deviations& deviations, double width);

}  // namespace foreshard
