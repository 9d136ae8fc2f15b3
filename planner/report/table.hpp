#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace foreshard::report {

/// Columns of a page where nobody says otherwise. No text that a report prints is wider than its page.
inline constexpr std::size_t kWidth = 100;

/// While it lives, what this thread prints is laid out for a page of so many columns. The same input gives
/// the same output on pages of the same width.
class PageWidth {
 public:
  explicit PageWidth(std::size_t columns);
  ~PageWidth();
  PageWidth(const PageWidth&) = delete;
  PageWidth& operator=(const PageWidth&) = delete;

  static std::size_t columns();

 private:
  std::size_t before_;
};

inline constexpr std::size_t kIndent = 2;  ///< of what stands below a heading

/// Columns that UTF-8 text takes in a terminal: one per code point, which is true of everything that the
/// reports print themselves (×, ·, –, µ).
std::size_t display_width(std::string_view text);

/// Text of at most `width` columns: what is wider ends with "…".
std::string shortened(const std::string& text, std::size_t width);

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::right;
};

/// Rows of cells under titles, columns aligned, two spaces between them.
class Table {
 public:
  explicit Table(std::vector<Column> columns);

  /// Appends one row. @pre as many cells as columns. @throws std::invalid_argument if not.
  void row(std::vector<std::string> cells);

  /// Titles first; no trailing spaces.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Two blocks of lines next to each other, or one above the other with a blank line between where they would
/// be wider than `width`.
std::vector<std::string> beside(std::vector<std::string> left, const std::vector<std::string>& right,
                                std::size_t width);

/// Text broken at spaces into lines of at most `width` columns, the first indented by `indent` spaces and the
/// others by `hang`. A word that alone is wider is cut.
std::vector<std::string> wrapped(std::string_view text, std::size_t indent, std::size_t hang,
                                 std::size_t width = PageWidth::columns());

}  // namespace foreshard::report
