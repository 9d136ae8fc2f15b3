#include "tools/csv_table.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

namespace foreshard::tools {

namespace {

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += c;
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

}  // namespace

CsvTable CsvTable::read(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error(fmt::format("{}: cannot be read", path.string()));
  CsvTable table;
  table.name_ = path.string();
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    std::vector<std::string> fields = split(line);
    if (number == 1) {
      table.header_ = std::move(fields);
      continue;
    }
    if (fields.size() != table.header_.size())
      throw std::runtime_error(fmt::format("{}:{}: {} fields, but the header has {}", table.name_, number,
                                           fields.size(), table.header_.size()));
    table.rows_.push_back(std::move(fields));
  }
  return table;
}

const std::string& CsvTable::text(std::size_t row, std::string_view column) const {
  const auto found = std::find(header_.begin(), header_.end(), column);
  if (found == header_.end()) throw std::out_of_range(fmt::format("{} has no column {}", name_, column));
  return rows_.at(row).at(static_cast<std::size_t>(found - header_.begin()));
}

double CsvTable::number(std::size_t row, std::string_view column) const {
  const std::string& field = text(row, column);
  double value = 0.0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size())
    throw std::runtime_error(
        fmt::format("{}: row {}, {}: \"{}\" is no number", name_, row + 1, column, field));
  return value;
}

}  // namespace foreshard::tools
