#pragma once

#include <string>
#include <vector>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// Returns everything that is wrong with a step program, one sentence each; empty if nothing is. Checks that
///   - ids are in range and operand lists have the form of their operation's kind;
///   - sizes agree with operands: |A| = batch·m·k and so on, a collective's payload is that of its operands;
///   - nothing is read before it is written, and no micro-batch or block tensor is written and never read (a
///     leak);
///   - the stages of a group run the same collectives, position by position, and every Send has a Recv of the
///     same payload in the same order;
///   - each (chunk, micro-batch) runs forward once, backward once and, if the chunk has one, its weight pass
///     once, in that order.
/// The sentences name stage, block, operation and tensor.
std::vector<std::string> check_program(const StepProgram& program);

}  // namespace foreshard
