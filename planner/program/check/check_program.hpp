#pragma once

#include <string>
#include <vector>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// What is wrong with a step program; empty for a sound one. Checks that
///   - ids are in range and operand lists have their kind's form;
///   - sizes agree with operands: |A| = batch·m·k and so on, a collective's payload is its operands';
///   - nothing is read before it is written, and no micro-batch or block tensor is written and never read (a
///   leak);
///   - the stages of a group agree on their collectives, position by position, and every Send meets a Recv of
///   the
///     same payload in the same order;
///   - each (chunk, micro-batch) runs forward once, backward once and, where the chunk has one, its weight
///   pass once, in that order.
/// Messages name stage, block, operation and tensor.
std::vector<std::string> check_program(const StepProgram& program);

}  // namespace foreshard
