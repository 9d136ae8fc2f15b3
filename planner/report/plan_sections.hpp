#pragma once

#include <string>
#include <vector>

#include "planner/results/planned_job.hpp"

/// The parts of the plan table, each a block of lines without indentation. Empty where there is nothing to
/// say.
namespace foreshard::report {

using Lines = std::vector<std::string>;

/// In words; wrapped and indented already.
Lines job_lines(const PlannedJob& planned);
Lines verdict_lines(const PlannedJob& planned);
Lines training_lines(const PlannedJob& planned);

Lines step_table(const PlannedJob& planned);
Lines memory_table(const PlannedJob& planned);
Lines parameter_table(const PlannedJob& planned);
Lines layer_table(const PlannedJob& planned);
Lines communication_table(const PlannedJob& planned);

/// The link that carries an axis, with its rate: the node's where the whole group lies within one node.
std::string link_of(const JobSpec& job, CommAxis axis);

}  // namespace foreshard::report
