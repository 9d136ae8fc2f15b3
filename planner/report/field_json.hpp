#pragma once

#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "planner/report/estimate_fields.hpp"

namespace foreshard::report {

/// Objects keep the order in which keys were written, so that output is the same every time.
using Json = nlohmann::ordered_json;

Json to_json(const FieldValue& value);

/// One object; the dots of the keys are its levels.
Json fields_json(std::span<const Field> fields);

/// Indented, ending with a newline.
std::string printed(const Json& json);

}  // namespace foreshard::report
