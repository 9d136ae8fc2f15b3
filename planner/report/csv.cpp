#include "planner/report/csv.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
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

/// The columns of a short CSV, by key.
constexpr std::array<std::string_view, 29> kFewColumns{"legal",
                                                       "reason",
                                                       "fits",
                                                       "dollars_per_1e12_tokens",
                                                       "days_per_1e12_tokens",
                                                       "step.time_s",
                                                       "step.time_low_s",
                                                       "step.time_high_s",
                                                       "step.tokens_per_s_per_device",
                                                       "step.mfu",
                                                       "memory.capacity_bytes",
                                                       "memory.reserved_bytes",
                                                       "memory.fits",
                                                       "training.seconds",
                                                       "training.dollars",
                                                       "job.name",
                                                       "job.model",
                                                       "job.cluster",
                                                       "job.devices",
                                                       "job.tp",
                                                       "job.pp",
                                                       "job.vp",
                                                       "job.cp",
                                                       "job.ep",
                                                       "job.dp",
                                                       "job.zero",
                                                       "job.micro_batch",
                                                       "job.global_batch",
                                                       "job.sequence_length"};

bool is_few(std::string_view key) {
  // Of a variant: what makes it.
  return key.starts_with("variant.") ||
         std::find(kFewColumns.begin(), kFewColumns.end(), key) != kFewColumns.end();
}

}  // namespace

std::vector<Field> with_columns(std::vector<Field> fields, CsvColumns columns) {
  if (columns == CsvColumns::few)
    std::erase_if(fields, [](const Field& field) { return !is_few(field.key); });
  return fields;
}

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
