#pragma once

#include <string>

#include "planner/search/comparison.hpp"

namespace foreshard {

/// One object, ending with a newline: `variants`, an array of what compare_fields.hpp lists with `estimate`,
/// the object that `plan` prints (null where the variant is not legal); `verdict`. Numbers as in
/// estimate_json.
std::string compare_json(const Comparison& comparison);

}  // namespace foreshard
