#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace foreshard::tools {

/// A CSV file with a header line. Fields may be quoted; "" inside quotes is one quote.
class CsvTable {
 public:
  /// @throws std::runtime_error if the file cannot be read, or a row has another number of fields than the
  /// header: FILE:LINE and what is wrong.
  static CsvTable read(const std::filesystem::path& path);

  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  /// @throws std::out_of_range for a column that the header does not have.
  [[nodiscard]] const std::string& text(std::size_t row, std::string_view column) const;
  /// @throws std::runtime_error if the field is not a number; the message has FILE, row and column.
  [[nodiscard]] double number(std::size_t row, std::string_view column) const;

 private:
  std::string name_;
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace foreshard::tools
