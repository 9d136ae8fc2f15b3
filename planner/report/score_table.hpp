#pragma once

#include <string>

#include "planner/score/score.hpp"

namespace foreshard {

/// The result of `score` for people: the errors of the predictions in a sentence, the step time and memory of
/// each case, then the statistics by source and, if asked for, the error band. At most 100 columns.
std::string score_table(const Score& score);

}  // namespace foreshard
