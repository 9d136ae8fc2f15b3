#pragma once

#include "planner/report/record.hpp"
#include "planner/score/score.hpp"

namespace foreshard::report {

/// `cases`, a row each; `sources`, by name; `all`; `band`, where it was asked for, with `held_out`, by source.
/// Their keys: score_fields.hpp.
Record score_record(const Score& score);

}  // namespace foreshard::report
