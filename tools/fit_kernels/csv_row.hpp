#pragma once

#include <cstdint>
#include <string>

#include "tools/csv_table.hpp"

namespace foreshard::fit {

/// One row of a table of measured kernels. Fields that cannot be read throw std::runtime_error with file and
/// line.
class CsvRow {
 public:
  /// Keeps a reference to the table, which must outlive it.
  CsvRow(const tools::CsvTable& table, std::size_t row, std::string file)
      : table_(table), row_(row), file_(std::move(file)) {}

  [[nodiscard]] const std::string& text(const char* column) const { return table_.text(row_, column); }
  /// A number above 0.
  [[nodiscard]] double number(const char* column) const;
  /// An integer of at least 1.
  [[nodiscard]] std::int64_t whole(const char* column) const;
  /// A truth value, written `yes` or `no`.
  [[nodiscard]] bool flag(const char* column) const;
  [[noreturn]] void complain(const char* column) const;

 private:
  const tools::CsvTable& table_;
  std::size_t row_;
  std::string file_;
};

}  // namespace foreshard::fit
