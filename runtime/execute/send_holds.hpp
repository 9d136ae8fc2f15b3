#pragma once

#include <cstddef>
#include <unordered_map>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// From which operation on the memory of what a stage sends may be used again: by position of the send, that
/// of the last operation before. Positions count the stage's operations in program order.
///
/// A large message leaves only when its receiver has posted the receive. Were its memory used again before
/// that is certain, sender and receiver could wait for each other: a stage that waits for its gradient to
/// leave before it receives an activation where the gradient stood, and the next one likewise the other way
/// round. It is certain once something has come from the receiver that it sent later than it received: from
/// there on nobody waits for a send who does not wait for that message anyway. Where nothing of the kind
/// comes, the memory stays as it is to the step's end.
/// @pre check_program has found the transfers to agree
std::unordered_map<std::size_t, std::size_t> send_holds(const StepProgram& program, StageId stage);

}  // namespace foreshard
