#pragma once

#include <string>
#include <unordered_map>

#include "planner/program/json/object_json.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// The id of each tensor of a program, by its name.
using TensorNames = std::unordered_map<std::string, TensorId>;

/// One operation as a JSON object; operands name their tensors.
Json written_op(const Op& op, const StepProgram& program);

/// Reads one operation from its JSON object. @throws std::runtime_error naming the key and what was expected
Op read_op(const Json& object, const std::string& path, const TensorNames& tensors);

/// True if the JSON form cannot mistake this name for a name followed by a layer shift ("hidden+1").
bool is_plain_tensor_name(const std::string& name);

}  // namespace foreshard
