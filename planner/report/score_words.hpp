#pragma once

#include <string>

#include "planner/score/score.hpp"

namespace foreshard::report {

/// How far predictions are from measurements, in one or two sentences. Empty if no step time was measured.
std::string score_words(const Score& score);

}  // namespace foreshard::report
