#pragma once

#include <string>
#include <unordered_map>

#include "planner/program/json/object_json.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// Where each tensor of a program stands, by name.
using TensorNames = std::unordered_map<std::string, TensorId>;

/// One operation as a JSON object; operands name their tensors.
Json written_op(const Op& op, const StepProgram& program);

/// @throws std::runtime_error naming the key and what was expected
Op read_op(const Json& object, const std::string& path, const TensorNames& tensors);

/// True if the JSON form can tell this name from a name with a layer shift ("hidden+1") behind it.
bool is_plain_tensor_name(const std::string& name);

}  // namespace foreshard
