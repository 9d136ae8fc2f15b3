#pragma once

namespace foreshard {

/// The share of measured steps that the band around a predicted step time is to hold.
inline constexpr double kBandShare = 0.8;

/// What step times are off by beyond the residuals of the kernels' fit, relative: software that the step
/// program does not describe, settings that a publication leaves out, links that others use too. One figure
/// for all jobs, so that the band holds kBandShare of the published runs in configs/measured. It widens the
/// band and never moves a prediction. `foreshard score --bands --worst 0` prints the figure that these runs
/// ask for, and how well it holds for a source that had no say in it.
inline constexpr double kSystematicError = 0.01;

/// Relative half-width of the band: both errors, taken as independent, √(spread² + systematic²).
/// @param spread relative residual of the kernels' fit
double band_half_width(double spread, double systematic = kSystematicError);

}  // namespace foreshard
