#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/cost/step/error_band.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/search/remedy.hpp"
#include "planner/search/variants.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// A variant and what is known about it; figures only where it is legal.
struct ComparedVariant {
  Variant variant;
  std::optional<Estimate> estimate;
  std::optional<std::int64_t> largest_micro_batch;  ///< none: not even 1 fits
  std::optional<std::int64_t> longest_sequence;     ///< tokens; none: nothing fits
  /// Where nodes are varied: the first legal variant with all else equal, and this one's tokens per second
  /// over its.
  std::optional<std::size_t> reference;
  std::optional<double> speedup;
  std::optional<double> efficiency;  ///< speed-up over the ratio of devices
  /// At this price of a device its tokens cost as much as those of the cheapest variant on another cluster;
  /// where clusters are varied and it fits.
  std::optional<DollarsPerSecond> break_even;
  Advice advice;  ///< for those of Comparison::too_large that are advised

  [[nodiscard]] bool fits() const { return estimate && estimate->memory.fits; }
};

/// Variants side by side, and which of them wins. Indices are into `variants`.
struct Comparison {
  std::vector<ComparedVariant> variants;
  std::optional<std::size_t> best;       ///< of those that fit: most tokens per second
  std::optional<std::size_t> runner_up;  ///< the next of those
  std::optional<double> ahead;  ///< how likely best is faster than runner_up (likelihood.hpp), 0.5 … 1
  bool tie = false;             ///< that is less than kClear
  std::optional<std::size_t> cheapest;  ///< of those that fit: least money per token; none without prices
  std::optional<std::size_t> nearest;   ///< where nothing fits: the one that lacks least memory
  std::vector<std::size_t> too_large;   ///< those that do not fit, the nearest to it first
};

/// A variant that is at least so likely to be the faster one is clearly ahead. As likely as a measured step
/// lies in its band.
inline constexpr double kClear = kBandShare;

/// For so many variants that do not fit, the nearest to it first, it is worked out what would help.
inline constexpr std::size_t kMostAdvised = 3;

/// The axes on which variants differ, in the order of Axis.
std::vector<Axis> varied_axes(const std::vector<ComparedVariant>& variants);

/// What the residuals of the kernels' fit leave open about a step's time. What else a prediction is off by,
/// variants of one job have in common: it does not change which of them is faster.
struct KernelBand {
  Seconds low;
  Seconds high;
};
KernelBand kernel_band(const StepFigures& step);

/// Time of one token of the whole job's training, which compares steps of unlike sequence lengths.
Seconds time_per_token(const Estimate& estimate);

/// Days for 1e12 tokens.
double days_per_1e12_tokens(const Estimate& estimate);

/// Money for one token, idle devices included, where the cluster has a price. @pre legal.
std::optional<Dollars> cost_per_token(const ComparedVariant& variant);

/// Plans every variant of the job, ranks them, and plans what would help those that do not fit.
/// @throws CountOverflow as make_variants.
Comparison compare_variants(const JobSpec& base, const VariantAxes& axes);

/// Speed-ups, order, likelihood, prices and nearest of variants already planned; no advice.
Comparison rank_variants(std::vector<ComparedVariant> variants);

}  // namespace foreshard
