#pragma once

#include <string>

#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// Reads `recompute` (a word, or a list of modules) and `recompute_layers` (a count, a share, {every: n} or a
/// list) of a job's `training`.
void read_recompute(const MapReader& training, TrainingSpec& spec);

/// The keys of `recompute_layers: {every: 2}`.
KeyTable recompute_layers_keys();

/// The recomputation as a job file writes it: "full", "[mla_up_proj, moe_act]"; and the layers: "4", "0.5",
/// "{every: 2}", "[4, 4, 2, 0]", or "all".
std::string recompute_text(const TrainingSpec& training);
std::string recompute_layers_text(const RecomputeLayers& layers);

/// The same in a sentence: "full, the first 4 layers of each stage".
std::string recompute_words(const TrainingSpec& training);

}  // namespace foreshard
