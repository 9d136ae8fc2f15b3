#include "planner/report/field.hpp"

namespace foreshard::report {

FieldValue count_field(Int128 count) {
  static constexpr Int128 kLargestExactDouble = Int128{1} << 53;
  if (count >= -kLargestExactDouble && count <= kLargestExactDouble) return static_cast<std::int64_t>(count);
  return static_cast<double>(count);
}

void append(Fields& fields, const std::string& prefix, Fields more) {
  for (Field& field : more) fields.push_back({prefix + field.key, std::move(field.value)});
}

}  // namespace foreshard::report
