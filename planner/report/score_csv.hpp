#pragma once

#include <string>

#include "planner/score/score.hpp"

namespace foreshard {

/// One header and one row per case, its keys as in score_json; no statistics. Cells as in estimate_csv.
std::string score_csv(const Score& score);

}  // namespace foreshard
