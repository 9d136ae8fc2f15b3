#pragma once

#include "planner/report/record.hpp"
#include "planner/score/score.hpp"

namespace foreshard::report {

/// The keys are `cases`, a row each; `sources`, by name; `all`; and, if asked for, `band` with `held_out`, by
/// source. The keys within these: score_fields.hpp.
Record score_record(const Score& score);

}  // namespace foreshard::report
