#include <algorithm>
#include <cstdint>
#include <map>
#include <type_traits>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/report/record.hpp"

namespace foreshard::report {
namespace {

/// Columns in the order of their first occurrence, and the cells of each row by column.
struct Sheet {
  std::vector<std::string> columns;
  std::vector<std::map<std::string, std::string>> rows;

  std::map<std::string, std::string>& begin_row() { return rows.emplace_back(); }
  void put(const std::string& column, std::string cell) {
    if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
    rows.back()[column] = std::move(cell);
  }
};

void put_fields(Sheet& sheet, const std::string& prefix, const Fields& fields);

/// Adds a list of objects: each of their keys is a column whose cell has the values of all objects.
void put_rows(Sheet& sheet, const std::string& prefix, const FieldRows& rows) {
  Sheet inner;
  for (const Fields& row : rows.rows) {
    inner.begin_row();
    put_fields(inner, prefix, row);
  }
  for (const std::string& column : inner.columns) {
    std::vector<std::string> cells;
    for (auto& row : inner.rows) cells.push_back(row[column]);
    sheet.put(column, fmt::format("{}", fmt::join(cells, ";")));
  }
}

std::string cell_of(std::monostate) { return {}; }
template <class T>
std::string cell_of(const T& value) {
  return fmt::format("{}", value);
}
std::string cell_of(const std::vector<std::int64_t>& values) {
  std::vector<std::string> numbers;
  for (const std::int64_t value : values)
    numbers.push_back(std::visit(
        [](const auto& held) -> std::string {
          // A count is an integer or a double.
          if constexpr (std::is_arithmetic_v<std::decay_t<decltype(held)>>) return fmt::format("{}", held);
          return {};
        },
        count_field(value)));
  return fmt::format("{}", fmt::join(numbers, ";"));
}
std::string cell_of(const std::vector<double>& values) { return fmt::format("{}", fmt::join(values, ";")); }
std::string cell_of(const std::vector<std::string>& values) {
  return fmt::format("{}", fmt::join(values, ";"));
}

void put_fields(Sheet& sheet, const std::string& prefix, const Fields& fields) {
  for (const auto& [key, value] : fields) {
    const std::string column = prefix + key;
    std::visit(
        [&](const auto& held) {
          using Held = std::decay_t<decltype(held)>;
          if constexpr (std::is_same_v<Held, FieldRows>) {
            put_rows(sheet, column + ".", held);
          } else if constexpr (std::is_same_v<Held, NamedFields>) {
            for (const auto& [name, members] : held.members)
              put_fields(sheet, column + "." + name + ".", members);
          } else {
            sheet.put(column, cell_of(held));
          }
        },
        value);
  }
}

void put_row(Sheet& sheet, const Fields& fields) {
  sheet.begin_row();
  put_fields(sheet, "", fields);
}

Sheet sheet_of(const Record& record) {
  Sheet sheet;
  for (const Fields& fields : record.objects) {
    if (record.row_keys.empty()) put_row(sheet, fields);
    for (const std::string& key : record.row_keys) {
      const auto list =
          std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.key == key; });
      if (list == fields.end()) continue;
      for (const Fields& row : std::get<FieldRows>(list->value).rows) put_row(sheet, row);
    }
  }
  return sheet;
}

/// The columns to print. A section that is null in one row and has columns in another one gets no column of
/// its own.
std::vector<std::string> shown_columns(const Sheet& sheet) {
  std::vector<std::string> shown;
  for (const std::string& column : sheet.columns) {
    const bool has_parts =
        std::any_of(sheet.columns.begin(), sheet.columns.end(),
                    [&](const std::string& other) { return other.starts_with(column + "."); });
    if (!has_parts) shown.push_back(column);
  }
  return shown;
}

/// Quotes a cell by RFC 4180, 2.5–2.7: a cell with a comma, a quote or a line end is put in quotes, and its
/// quotes are doubled.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string line_of(const std::vector<std::string>& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    out += quoted(cells[i]);
  }
  return out + '\n';
}

bool is_few(const std::string& column, const std::vector<std::string>& few) {
  return std::any_of(few.begin(), few.end(), [&](const std::string& key) {
    return key.ends_with('.') ? column.starts_with(key) : column == key;
  });
}

std::string text_of(Sheet& sheet, const std::vector<std::string>& columns) {
  if (sheet.rows.empty()) return {};
  std::string out = line_of(columns);
  for (auto& row : sheet.rows) {
    std::vector<std::string> cells;
    for (const std::string& column : columns) cells.push_back(row[column]);
    out += line_of(cells);
  }
  return out;
}

}  // namespace

std::string record_csv(const Record& record) {
  Sheet sheet = sheet_of(record);
  return text_of(sheet, shown_columns(sheet));
}

std::string record_short_csv(const Record& record) {
  Sheet sheet = sheet_of(record);
  std::vector<std::string> columns = shown_columns(sheet);
  if (!record.few_columns.empty())
    std::erase_if(columns, [&](const std::string& column) { return !is_few(column, record.few_columns); });
  return text_of(sheet, columns);
}

}  // namespace foreshard::report
