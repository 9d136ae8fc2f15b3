#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/search/comparison.hpp"

namespace foreshard {

/// Standard deviation of the error of log(step time of a / step time of b), for two predicted plans.
///   σ_diff = √(σ_a² + σ_b² − 2·ρ·σ_a·σ_b)
/// σ_a and σ_b are the standard deviations of each plan's relative error, from the residuals of the kernels'
/// fit. ρ is the correlation of the two errors: Σ min(share_a, share_b) over the kinds of work (matrix
/// products, attention, passes over memory, each axis' communication, the optimizer, the host), where a share
/// is the part of the step spent on that kind. If the plans run kernels of different sizes, the kernels'
/// terms count half (kOfSizes). The pipeline's bubble has the same relative error as the passes that cause
/// it. Plans on different clusters have ρ = 0.
/// Example: σ_a = σ_b = 5% and ρ = 0.8: σ_diff = 5% · √(2 − 1.6) = 3.2%.
/// Reasons: docs/comparing.md. @pre both are legal
double sigma_of_difference(const ComparedVariant& a, const ComparedVariant& b);

/// Probability that `a` takes less time per token than `b`: Φ(Δ/σ), where Δ is the logarithm of the predicted
/// time of `b` divided by that of `a`, and σ is sigma_of_difference(). 0.5 for equal times. @pre both are
/// legal
double probability_faster(const ComparedVariant& a, const ComparedVariant& b);

}  // namespace foreshard
