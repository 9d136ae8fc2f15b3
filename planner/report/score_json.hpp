#pragma once

#include <string>

#include "planner/score/score.hpp"

namespace foreshard {

/// One object, ending with a newline: `cases`, an array; `sources`, an object by source; `all`; `band`, where
/// it was asked for, with `held_out`, an object by source. Their keys: score_fields.hpp. Numbers as in
/// estimate_json.
std::string score_json(const Score& score);

}  // namespace foreshard
