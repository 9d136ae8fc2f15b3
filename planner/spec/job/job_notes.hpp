#pragma once

#include <optional>
#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Returns notes on settings of a legal job that do not affect the prediction, one sentence each, so that no
/// setting is ignored silently.
std::vector<std::string> job_notes(const JobSpec& job);

/// Returns a sentence where the accelerator's file says that nobody measured much of what decides this job's
/// step time: its products, or two of attention, memory passes, collectives and, with experts, grouped
/// products. None where enough is measured or derived, or where the file says nothing.
std::optional<std::string> note_on_confidence(const JobSpec& job);

}  // namespace foreshard
