#pragma once

#include <cstdint>
#include <string>

namespace foreshard::detail {

/// A whole number and a truth value as YAML, TOML and JSON write them.
inline std::string number(std::int64_t value) { return std::to_string(value); }
inline const char* boolean(bool value) { return value ? "true" : "false"; }

}  // namespace foreshard::detail
