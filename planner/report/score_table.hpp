#pragma once

#include <string>

#include "planner/score/score.hpp"

namespace foreshard {

/// What `score` answers, for people: how far off the predictions are in a sentence, each case's step time and
/// memory, then the statistics by source and, where asked for, the error band. At most 100 columns.
std::string score_table(const Score& score);

}  // namespace foreshard
