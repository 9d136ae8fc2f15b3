#include "planner/report/table.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace foreshard::report {
namespace {

constexpr std::size_t kColumnGap = 2;
constexpr std::size_t kBlockGap = 4;

thread_local std::size_t page_columns = kWidth;

constexpr bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

std::string padded(const std::string& text, std::size_t width, Align align) {
  const std::size_t missing = width - std::min(width, display_width(text));
  const std::string spaces(missing, ' ');
  return align == Align::left ? text + spaces : spaces + text;
}

void trim_right(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

/// Bytes of the longest prefix that is at most `width` columns wide; at least one code point.
std::size_t prefix_bytes(std::string_view text, std::size_t width) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (starts_code_point(text[i]) && ++columns > std::max<std::size_t>(width, 1)) return i;
  }
  return text.size();
}

}  // namespace

PageWidth::PageWidth(std::size_t columns) : before_(std::exchange(page_columns, columns)) {}

PageWidth::~PageWidth() { page_columns = before_; }

std::size_t PageWidth::columns() { return page_columns; }

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

std::string shortened(const std::string& text, std::size_t width) {
  if (display_width(text) <= width) return text;
  return wrapped(text, 0, 0, width - 1).front() + "…";
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::row(std::vector<std::string> cells) {
  if (cells.size() != columns_.size()) {
    throw std::invalid_argument("a table row has " + std::to_string(cells.size()) + " cells for " +
                                std::to_string(columns_.size()) + " columns");
  }
  rows_.push_back(std::move(cells));
}

std::vector<std::string> Table::lines() const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = display_width(columns_[c].title);
    for (const auto& cells : rows_) width = std::max(width, display_width(cells[c]));
    widths.push_back(width);
  }
  std::vector<std::string> lines;
  const auto append = [&](auto cell_of) {
    std::string line;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) line.append(kColumnGap, ' ');
      line += padded(cell_of(c), widths[c], columns_[c].align);
    }
    trim_right(line);
    lines.push_back(std::move(line));
  };
  append([&](std::size_t c) { return columns_[c].title; });
  for (const auto& cells : rows_) append([&](std::size_t c) { return cells[c]; });
  return lines;
}

std::vector<std::string> beside(std::vector<std::string> left, const std::vector<std::string>& right,
                                std::size_t width) {
  std::size_t left_width = 0;
  std::size_t right_width = 0;
  for (const auto& line : left) left_width = std::max(left_width, display_width(line));
  for (const auto& line : right) right_width = std::max(right_width, display_width(line));
  if (left_width + kBlockGap + right_width > width) {
    left.emplace_back();
    left.insert(left.end(), right.begin(), right.end());
    return left;
  }
  left.resize(std::max(left.size(), right.size()));
  for (std::size_t i = 0; i < right.size(); ++i) {
    left[i] = padded(left[i], left_width + kBlockGap, Align::left) + right[i];
    trim_right(left[i]);
  }
  return left;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t indent, std::size_t hang,
                                 std::size_t width) {
  std::vector<std::string> lines;
  std::string line(indent, ' ');
  bool line_has_word = false;
  const auto next_line = [&] {
    lines.push_back(std::exchange(line, std::string(hang, ' ')));
    line_has_word = false;
  };
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    if (text.empty()) break;
    std::string_view word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    if (line_has_word && display_width(line) + 1 + display_width(word) > width) next_line();
    if (line_has_word) line += ' ';
    while (display_width(line) + display_width(word) > width) {
      const std::size_t room = width - std::min(width, display_width(line));
      const std::size_t bytes = prefix_bytes(word, room);
      line += word.substr(0, bytes);
      word.remove_prefix(bytes);
      next_line();
    }
    if (word.empty()) continue;
    line += word;
    line_has_word = true;
  }
  if (line_has_word) next_line();
  return lines;
}

}  // namespace foreshard::report
