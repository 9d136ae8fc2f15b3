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

/// A variant and its figures. Figures are only set if the variant is legal.
struct ComparedVariant {
  Variant variant;
  std::optional<Estimate> estimate;
  std::optional<std::int64_t> largest_micro_batch;  ///< none: not even 1 fits
  std::optional<std::int64_t> longest_sequence;     ///< tokens; none: nothing fits
  /// If nodes are varied: the first legal variant that differs only in nodes, and the ratio of this variant's
  /// tokens per second to its.
  std::optional<std::size_t> reference;
  std::optional<double> speedup;
  std::optional<double> efficiency;  ///< speed-up divided by the ratio of devices
  /// The price per device at which this variant's tokens cost as much as those of the cheapest variant on
  /// another cluster; only if clusters are varied and the variant fits.
  std::optional<DollarsPerSecond> break_even;
  Advice advice;  ///< only for the first kMostAdvised of Comparison::too_large

  [[nodiscard]] bool fits() const { return estimate && estimate->memory.fits; }
};

/// Compared variants and the winners. Indices are into `variants`.
struct Comparison {
  std::vector<ComparedVariant> variants;
  std::optional<std::size_t> best;       ///< most tokens per second, of the variants that fit
  std::optional<std::size_t> runner_up;  ///< second to `best`
  std::optional<double> ahead;  ///< probability that best is faster than runner_up (likelihood.hpp), 0.5 … 1
  bool tie = false;             ///< `ahead` is less than kClear
  std::optional<std::size_t> cheapest;  ///< lowest cost per token, of those that fit; none without prices
  std::optional<std::size_t> nearest;   ///< if nothing fits: the variant that lacks least memory
  std::vector<std::size_t> too_large;   ///< variants that do not fit, the one that lacks least memory first
};

/// A variant is clearly ahead if the probability that it is faster is at least this. The value is the
/// probability that a measured step lies in its band.
inline constexpr double kClear = kBandShare;

/// Remedies are searched for at most this many variants that do not fit, those that lack least memory first.
inline constexpr std::size_t kMostAdvised = 3;

/// The axes on which variants differ, in the order of Axis.
std::vector<Axis> varied_axes(const std::vector<ComparedVariant>& variants);

/// The uncertainty of a step's time due to the residuals of the kernels' fit. Other errors of the prediction
/// are common to all variants of a job, so they do not change which variant is faster.
struct KernelBand {
  Seconds low;
  Seconds high;
};
KernelBand kernel_band(const StepFigures& step);

/// Training time per token of the whole job; makes steps with different sequence lengths comparable.
Seconds time_per_token(const Estimate& estimate);

/// Days for 1e12 tokens.
double days_per_1e12_tokens(const Estimate& estimate);

/// Cost of one token, including idle devices; none if the cluster has no price. @pre `variant` is legal.
std::optional<Dollars> cost_per_token(const ComparedVariant& variant);

/// Plans every variant of the job, ranks them, and finds remedies for those that do not fit.
/// @param on_fewest_devices each legal variant is planned on the fewest devices on which it fits
///                          (fewest_devices.hpp); what is varied is not changed
/// @throws CountOverflow as make_variants.
Comparison compare_variants(const JobSpec& base, const VariantAxes& axes, bool on_fewest_devices = false);

/// Computes speed-ups, order, probabilities, prices and `nearest` for variants that are already planned; no
/// advice.
Comparison rank_variants(std::vector<ComparedVariant> variants);

}  // namespace foreshard
