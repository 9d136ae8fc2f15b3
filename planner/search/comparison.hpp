#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/cost/step/estimate.hpp"
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

  [[nodiscard]] bool fits() const { return estimate && estimate->memory.fits; }
};

/// Variants side by side, and which of them wins. Indices are into `variants`.
struct Comparison {
  std::vector<ComparedVariant> variants;
  std::optional<std::size_t> best;       ///< of those that fit: most tokens per second
  std::optional<std::size_t> runner_up;  ///< the next of those
  bool tie = false;                      ///< the kernels' error bands of these two overlap
  std::optional<std::size_t> cheapest;   ///< of those that fit: least money per token; none without prices
  std::optional<std::size_t> nearest;    ///< where nothing fits: the one that lacks least memory
};

/// What the residuals of the kernels' fit leave open about a step's time. What else a prediction is off by,
/// variants of one job have in common: it does not change which of them is faster.
struct KernelBand {
  Seconds low;
  Seconds high;
};
KernelBand kernel_band(const StepFigures& step);

/// Time of one token of the whole job's training, which compares steps of unlike sequence lengths.
Seconds time_per_token(const Estimate& estimate);

/// Money for one token, where the cluster has a price. @pre legal.
std::optional<Dollars> cost_per_token(const ComparedVariant& variant);

/// Plans every variant of the job. @throws CountOverflow as make_variants.
Comparison compare_variants(const JobSpec& base, const VariantAxes& axes);

/// Speed-ups, winner, runner-up, tie, cheapest and nearest of variants already planned.
Comparison rank_variants(std::vector<ComparedVariant> variants);

}  // namespace foreshard
