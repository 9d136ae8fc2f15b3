#include "planner/report/estimate_csv.hpp"

#include <cstdint>
#include <type_traits>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/report/estimate_fields.hpp"

namespace foreshard {
namespace {

std::string cell(const report::FieldValue& value) {
  return std::visit(
      [](const auto& held) -> std::string {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return {};
        } else if constexpr (std::is_same_v<Held, std::vector<std::int64_t>>) {
          std::vector<std::string> numbers;
          for (const std::int64_t number : held) numbers.push_back(cell(report::count_field(number)));
          return fmt::format("{}", fmt::join(numbers, ";"));
        } else if constexpr (std::is_same_v<Held, std::vector<std::string>>) {
          return fmt::format("{}", fmt::join(held, ";"));
        } else {
          return fmt::format("{}", held);
        }
      },
      value);
}

/// RFC 4180, 2.5–2.7: a cell with a comma, a quote or a line end stands in quotes, and its quotes are
/// doubled.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

void append_line(std::string& out, const std::vector<std::string>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    out += quoted(cells[i]);
  }
  out += '\n';
}

}  // namespace

std::string estimate_csv(std::span<const PlannedJob> jobs) {
  std::string out;
  for (const PlannedJob& planned : jobs) {
    std::vector<std::string> keys;
    std::vector<std::string> values;
    for (const report::Field& field : report::estimate_fields(planned)) {
      keys.push_back(field.key);
      values.push_back(cell(field.value));
    }
    if (out.empty()) append_line(out, keys);
    append_line(out, values);
  }
  return out;
}

}  // namespace foreshard
