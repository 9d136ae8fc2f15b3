#pragma once

#include <string>
#include <vector>

#include "planner/results/explained_job.hpp"

namespace foreshard::report {

/// One sentence about the job, and the command whose output has its figures.
struct CheckedSentence {
  std::string text;
  std::string command;
};

/// Ten sentences: the step and its ideal, the three largest losses, the critical path, memory, a better plan, the
/// most and the least valuable lever, money.
std::vector<CheckedSentence> explain_sentences(const ExplainedJob& explained);

}  // namespace foreshard::report
