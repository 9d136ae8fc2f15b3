#pragma once

#include <string>
#include <vector>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// The problems found so far, one sentence each.
using Problems = std::vector<std::string>;

// ---- The parts of check_program. All others rely on check_structure having found no problem.

/// Ids in range, names unique, sizes positive, one group of each kind.
void check_structure(const StepProgram& program, Problems& problems);
/// The operand list and the lane of each operation fit its kind, and its sizes agree with its operands.
void check_operations(const StepProgram& program, Problems& problems);
/// All stages of a group that spans stages run the same collectives in the same order; each Send has a Recv.
void check_communication(const StepProgram& program, Problems& problems);
/// Each (chunk, micro-batch) runs forward, backward and any weight pass once, in that order.
void check_schedule(const StepProgram& program, Problems& problems);
/// Nothing is read before it is written; every tensor that lives for a micro-batch or less and is written is
/// also read.
void check_data_flow(const StepProgram& program, Problems& problems);

/// Names an operation in messages: `block "dense_layer forward", operation "qkv" (forward)`.
std::string place_of(const Block& block, const Op& op);
/// Checks the sizes of one operation against its operands.
/// @pre the operand list has the form of the operation's kind
void check_operand_sizes(const StepProgram& program, const Block& block, const Op& op, Problems& problems);

}  // namespace foreshard
