#pragma once

#include <string>
#include <vector>

#include "planner/report/estimate_fields.hpp"
#include "planner/score/score.hpp"

namespace foreshard::report {

/// The fields of one case in the machine-readable score:
///   name, source
///   predicted_s, low_s, high_s, measured_s, error, in_band
///   memory_kind, predicted_memory_bytes, measured_memory_bytes, memory_error   null if not measured
///   outcome, verdict, verdict_is_right
std::vector<Field> case_fields(const ScoredCase& scored);

/// The same without the step time, for a job whose memory or outcome alone is known.
std::vector<Field> run_fields(const ScoredRun& run);

/// The fields of one source, or of all sources together:
///   n, mean_abs_error, median_abs_error, p90_abs_error, bias, coverage
///   memory.{allocated,reserved,other}   the first five of these for each; null if not measured
///   verdicts.{n,right,ran_but_refused,oom_but_allowed,close}
///   ranking.{groups,rank_correlation,regret}   the last two null without a group
///   ranking.{clear_pairs,right_pairs}
std::vector<Field> source_fields(const SourceScore& source);

/// The fields of the cases that have one trait in common: trait, value, the first five of a source's, coverage.
std::vector<Field> split_fields(const SplitScore& split);

/// The fields of what repeats of one job differ by: jobs, cases, mean_abs_error.
std::vector<Field> noise_fields(const NoiseFloor& noise);

/// The fields of one source that was held out from the fit of the band:
///   n, systematic_error (half the width of the band fitted to the other sources), low and high (its ends,
///   measured / predicted − 1), coverage (of this source, in that band)
std::vector<Field> held_out_fields(const HeldOutSource& source);

/// The fields of the band as a whole:
///   share, systematic_error (half the width of the band fitted to the cases), systematic_error_used (of
///   kPublished), low, median, high, coverage, held_out_coverage and held_out_per_source (null with a single
///   source)
std::vector<Field> band_fields(const BandFit& fit);

}  // namespace foreshard::report
