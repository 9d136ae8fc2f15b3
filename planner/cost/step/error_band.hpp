#pragma once

namespace foreshard {

/// Target coverage: this share of measured step times should lie inside the band around the predicted time.
inline constexpr double kBandShare = 0.8;

/// Relative error of step times beyond the residuals of the kernels' fit. Its causes: software that the step
/// program does not describe, settings that a publication does not state, links shared with other jobs. One
/// value serves all jobs; it is fitted so that the band contains kBandShare of the published runs in
/// configs/measured. It widens the band and never moves a prediction. `foreshard score --bands --worst 0`
/// prints the value that these runs need, and how well it holds for a source that was left out of the fit.
inline constexpr double kSystematicError = 0.096;

/// Relative half-width of the band. The two errors are taken as independent: √(spread² + systematic²).
/// @param spread relative residual of the kernels' fit
double band_half_width(double spread, double systematic = kSystematicError);

}  // namespace foreshard
