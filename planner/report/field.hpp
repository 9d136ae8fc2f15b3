#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "planner/units/count.hpp"

namespace foreshard::report {

struct Field;
/// Named values in the order in which they are written.
using Fields = std::vector<Field>;

/// A list of objects, each with its own fields.
struct FieldRows {
  std::vector<Fields> rows;
};

/// Objects by name, such as sources of measurements, each with its own fields.
struct NamedFields {
  std::vector<std::pair<std::string, Fields>> members;
};

/// One value of a machine-readable result. monostate means that it is not known or does not apply.
using FieldValue =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                 std::vector<double>, std::vector<std::string>, FieldRows, NamedFields>;

/// A key and its value. Dots in the key separate the levels of the JSON object.
struct Field {
  std::string key;
  FieldValue value;
};

/// An integer for machine-readable output: exact up to 2^53; larger ones become the nearest double, so that
/// all readers of JSON see the same value.
FieldValue count_field(Int128 count);

/// Appends `more`, with `prefix`, such as "step.", before each of its keys.
void append(Fields& fields, const std::string& prefix, Fields more);

}  // namespace foreshard::report
