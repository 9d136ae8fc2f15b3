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

/// A list of things, each with fields of its own.
struct FieldRows {
  std::vector<Fields> rows;
};

/// Things with names of their own, such as sources of measurements, each with fields.
struct NamedFields {
  std::vector<std::pair<std::string, Fields>> members;
};

/// One value of a machine-readable result. monostate: it is not known or does not apply.
using FieldValue =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                 std::vector<double>, std::vector<std::string>, FieldRows, NamedFields>;

/// A key and its value; the dots of the key are the levels of the JSON object.
struct Field {
  std::string key;
  FieldValue value;
};

/// A whole number as machine-readable output holds it: exact up to 2^53, the nearest double above, so that
/// every reader of JSON sees the same value.
FieldValue count_field(Int128 count);

/// Appends `more`, with `prefix`, such as "step.", before each of its keys.
void append(Fields& fields, const std::string& prefix, Fields more);

}  // namespace foreshard::report
