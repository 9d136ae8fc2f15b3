#pragma once

#include <string>
#include <string_view>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// The versioned JSON form of a step program; the same program gives the same text, byte for byte.
std::string to_json(const StepProgram& program);

/// Reads a step program from its JSON form.
/// @throws std::runtime_error naming the key and what was expected, or the version if it is another one.
StepProgram program_from_json(std::string_view text);

}  // namespace foreshard
