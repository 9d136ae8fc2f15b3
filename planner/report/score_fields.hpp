#pragma once

#include <string>
#include <vector>

#include "planner/report/estimate_fields.hpp"
#include "planner/score/score.hpp"

namespace foreshard::report {

/// What the machine-readable score says about one case:
///   name, source
///   predicted_s, low_s, high_s, measured_s, error, in_band
///   memory_kind, predicted_memory_bytes, measured_memory_bytes, memory_error   null where not measured
std::vector<Field> case_fields(const ScoredCase& scored);

/// What it says about one source, or about all:
///   n, mean_abs_error, median_abs_error, p90_abs_error, bias, coverage
///   memory.{allocated,reserved,other}   the first five of these each; null where not measured
///   ranking.{groups,rank_correlation,regret}   the last two null without a group
std::vector<Field> source_fields(const SourceScore& source);

/// What it says about one source and the band:
///   n, systematic_error (that the other sources ask for), coverage (of this one, with it)
std::vector<Field> held_out_fields(const HeldOutSource& source);

/// And about the band as a whole:
///   share, systematic_error (that the cases ask for), systematic_error_used (kSystematicError), coverage,
///   held_out_coverage (null with a single source)
std::vector<Field> band_fields(const BandFit& fit);

}  // namespace foreshard::report
