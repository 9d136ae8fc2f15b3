#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "planner/report/planned_job.hpp"

namespace foreshard::report {

/// One value of the machine-readable result. monostate: the job does not say.
using FieldValue = std::variant<std::monostate, bool, std::int64_t, double, std::string,
                                std::vector<std::int64_t>, std::vector<std::string>>;

/// A key and its value; the dots of the key are the levels of the JSON object.
struct Field {
  std::string key;
  FieldValue value;
};

/// The machine-readable result, in the order in which its keys are documented: the one list from which JSON
/// and CSV are written. Every job has the same keys. Units are in the keys: `_s` seconds, `_bytes` bytes.
std::vector<Field> estimate_fields(const PlannedJob& planned);

/// A whole number as machine-readable output holds it: exact up to 2^53, the nearest double above, so that
/// every reader of JSON sees the same value.
FieldValue count_field(Int128 count);

}  // namespace foreshard::report
