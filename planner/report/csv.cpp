#include "planner/report/csv.hpp"

#include <cstdint>
#include <type_traits>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace foreshard::report {
namespace {

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

}  // namespace

std::string csv_cell(const FieldValue& value) {
  return std::visit(
      [](const auto& held) -> std::string {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return {};
        } else if constexpr (std::is_same_v<Held, std::vector<std::int64_t>>) {
          std::vector<std::string> numbers;
          for (const std::int64_t number : held) numbers.push_back(csv_cell(count_field(number)));
          return fmt::format("{}", fmt::join(numbers, ";"));
        } else if constexpr (std::is_same_v<Held, std::vector<std::string>>) {
          return fmt::format("{}", fmt::join(held, ";"));
        } else {
          return fmt::format("{}", held);
        }
      },
      value);
}

std::string csv_line(std::span<const std::string> cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    out += quoted(cells[i]);
  }
  return out + '\n';
}

}  // namespace foreshard::report
