#pragma once

#include <string>
#include <vector>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// What is wrong, one sentence each.
using Problems = std::vector<std::string>;

// ---- The parts of check_program. All but the first rely on what the first has found sound.

/// Ids in range, names unique, sizes positive, one group of each kind.
void check_structure(const StepProgram& program, Problems& problems);
/// Operand lists have their kind's form, lanes their kind's, sizes agree with operands.
void check_operations(const StepProgram& program, Problems& problems);
/// The stages' collectives of each group that spans stages agree, and every Send meets its Recv.
void check_communication(const StepProgram& program, Problems& problems);
/// Each (chunk, micro-batch) runs forward, backward and any weight pass once, in that order.
void check_schedule(const StepProgram& program, Problems& problems);
/// Nothing is read before it is written; nothing that lives for a micro-batch or less is written in vain.
void check_data_flow(const StepProgram& program, Problems& problems);

/// `block "dense_layer forward", operation "qkv" (forward)`, for messages.
std::string place_of(const Block& block, const Op& op);
/// The sizes of one operation against its operands.
/// @pre the operand list has its kind's form
void check_operand_sizes(const StepProgram& program, const Block& block, const Op& op, Problems& problems);

}  // namespace foreshard
