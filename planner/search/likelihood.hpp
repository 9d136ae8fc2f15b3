#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/search/comparison.hpp"

namespace foreshard {

/// Standard deviation of what two plans' predictions are off by against each other: of the logarithm of the
/// ratio of their steps. Each alone is off by σ, of which ± is the part that kernel fits show; two share the
/// part ρ of the variance: σ_diff = √(σ_a² + σ_b² − 2·ρ·σ_a·σ_b). ρ is the part of the step that both spend
/// on the same kind of work (products, attention, passes over memory, each axis' communication, the
/// optimizer, the host), Σ min(share_a, share_b); of kernels of unlike sizes half of that (kOfSizes). The
/// pipeline's bubble is as far off as the passes that leave it. Plans on unlike clusters share nothing.
/// Reasons: docs/comparing.md. @pre both are legal
double sigma_of_difference(const ComparedVariant& a, const ComparedVariant& b);

/// How likely `a` takes less time per token than `b`: Φ(Δ/σ), Δ the logarithm of the ratio of their predicted
/// times. 0.5 for equals. @pre both are legal
double probability_faster(const ComparedVariant& a, const ComparedVariant& b);

}  // namespace foreshard
