#pragma once

#include <string>
#include <vector>

#include "planner/results/planned_job.hpp"

/// The sections of the plan table. Each is a block of lines without indentation; empty if there is nothing to
/// print.
namespace foreshard::report {

using Lines = std::vector<std::string>;

/// Sentences, already wrapped and indented.
Lines job_lines(const PlannedJob& planned);
Lines verdict_lines(const PlannedJob& planned);
/// What such runs typically take, beside the prediction.
Lines typical_lines(const PlannedJob& planned);
Lines training_lines(const PlannedJob& planned);

/// The same sections for programs and pages, which wrap lines themselves: one string for each line or
/// paragraph, without indentation.
Lines unwrapped(Lines (*section)(const PlannedJob&), const PlannedJob& planned);

Lines step_table(const PlannedJob& planned);
Lines memory_table(const PlannedJob& planned);
Lines parameter_table(const PlannedJob& planned);
Lines layer_table(const PlannedJob& planned);
Lines communication_table(const PlannedJob& planned);

/// The link that carries an axis, with its rate: the link within the node if the whole group is on one node.
std::string link_of(const JobSpec& job, CommAxis axis);

}  // namespace foreshard::report
