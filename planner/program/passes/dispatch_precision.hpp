#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Makes the exchanges that bring rows to experts carry 8 bits (training.dispatch_precision fp8): the sender quantises
/// rows, with a scale for every 128 elements, and the receiver widens them. Forward that is the dispatch, backward the
/// gradient of the combine. The exchanges that bring results back keep their type. Where the receiver brings the rows
/// into the order of their experts, that copy widens them; else a pass does.
/// Source: DeepSeek-V3, arXiv:2412.19437, section 3.3.3; deepseek-ai/DeepEP, README (dispatch in FP8, combine in BF16).
void narrow_dispatch(ProgramBuilder& builder, Block& forward, Block& backward);

}  // namespace foreshard
