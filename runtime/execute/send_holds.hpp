#pragma once

#include <cstddef>
#include <unordered_map>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// How long the memory of a sent tensor must be kept. Returns for the position of each send the position of
/// the last operation at which the memory is still in use. Positions count the stage's operations in program
/// order.
///  A large message leaves only after its receiver has posted the receive. If the memory were reused before
/// that is certain, two stages could deadlock: one waits for its gradient to leave before it receives an
/// activation into the gradient's memory, while the other waits in the same way for its activation to leave.
/// The message has certainly left once the sender has received an answer: something that the receiver sent
/// after it received the message. Reusing the memory after the answer adds no wait, because the sender waits
/// for the answer anyway. If no answer comes, the memory is kept until the end of the step.
/// Example: stage 0 sends an activation at its position 3. Stage 1 receives it at its position 0 and sends a
/// gradient at its position 5, which stage 0 receives at its position 8. The memory of the activation is held
/// until position 8.
/// @pre check_program has found the transfers to agree
std::unordered_map<std::size_t, std::size_t> send_holds(const StepProgram& program, StageId stage);

}  // namespace foreshard
