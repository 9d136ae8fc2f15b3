#pragma once

#include <string>
#include <string_view>

#include "planner/explain/lever.hpp"
#include "planner/explain/waterfall.hpp"
#include "planner/results/planned_job.hpp"

namespace foreshard::report {

/// The key of a part in machine-readable results: "tp_exposed".
std::string_view part_key(StepPart part);
/// The part as a row of the table: "tp exposed".
std::string_view part_name(StepPart part);
/// What a part is, for its row: "NVSwitch, 450 GB/s".
std::string part_words(StepPart part, const PlannedJob& planned);
/// What limits a part, the largest share first: "memory 88%, latency 12%"; empty where it is waiting.
std::string bound_words(const WaterfallPart& part);

/// The key of a lever in machine-readable results: "peak_rate".
std::string_view lever_key(Lever lever);
/// "memory bandwidth"
std::string_view lever_name(Lever lever);

}  // namespace foreshard::report
