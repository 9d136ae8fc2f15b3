#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace foreshard::report {

/// Default width of a page in columns. Reports print no text wider than the page.
inline constexpr std::size_t kWidth = 100;

/// Sets the page width of this thread's reports while the object lives. The same input gives the same output
/// on pages of the same width.
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

inline constexpr std::size_t kIndent = 2;  ///< of text below a heading

/// Columns that UTF-8 text takes in a terminal: one per code point. That is correct for all characters that
/// the reports print themselves (×, ·, –, µ).
std::size_t display_width(std::string_view text);

/// The text cut to at most `width` columns; cut text ends with "…".
std::string shortened(const std::string& text, std::size_t width);

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::right;
};

/// A table with titles and aligned columns, with two spaces between columns.
class Table {
 public:
  explicit Table(std::vector<Column> columns);

  /// Appends one row. @pre as many cells as columns. @throws std::invalid_argument if not.
  void row(std::vector<std::string> cells);

  /// The lines of the table, titles first, without trailing spaces.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Places two blocks of lines next to each other; if that would be wider than `width`, one above the other
/// with a blank line between them.
std::vector<std::string> beside(std::vector<std::string> left, const std::vector<std::string>& right,
                                std::size_t width);

/// Wraps text at spaces into lines of at most `width` columns. The first line is indented by `indent` spaces,
/// the others by `hang`. A word that is wider than a line is cut.
std::vector<std::string> wrapped(std::string_view text, std::size_t indent, std::size_t hang,
                                 std::size_t width = PageWidth::columns());

}  // namespace foreshard::report
