#include "planner/spec/yaml/source_text.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/core.h>

#include "planner/spec/yaml/complaints.hpp"
#include "planner/spec/yaml/input_file.hpp"

namespace foreshard {

namespace {

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
    start = end + 1;
  }
  return lines;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Bytes of the well-formed UTF-8 character at `position`, 0 if there is none (RFC 3629).
std::size_t utf8_length(std::string_view text, std::size_t position) {
  const auto at = [&](std::size_t offset) {
    return position + offset < text.size() ? static_cast<unsigned char>(text[position + offset]) : 0U;
  };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  for (std::size_t offset = 1; offset < length; ++offset) {
    if ((at(offset) & 0xC0U) != 0x80U) return 0;
  }
  // Refuse overlong forms, surrogates and code points beyond U+10FFFF.
  const unsigned second = at(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return length;
}

/// Line and column of a byte, both from 1; the column in bytes.
std::pair<int, int> line_and_column(std::string_view text, std::size_t position) {
  const std::string_view before = text.substr(0, position);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return {static_cast<int>(line), static_cast<int>(position - line_start + 1)};
}

}  // namespace

SourcePtr make_source(std::string name, std::filesystem::path directory, const std::string& text) {
  return std::make_shared<SourceText>(SourceText{std::move(name), std::move(directory), split_lines(text)});
}

SourcePtr make_source_without_lines(std::string name) {
  return std::make_shared<SourceText>(SourceText{std::move(name), {}, {}});
}

std::string line_at(const Place& place) {
  if (place.source == nullptr || place.line < 1) return {};
  const auto index = static_cast<std::size_t>(place.line - 1);
  return index < place.source->lines.size() ? place.source->lines[index] : std::string{};
}

SourceMark mark_of(const Place& place) {
  if (place.source == nullptr) return {};
  if (place.source->lines.empty() || place.line < 1) return {place.source->name, 0, 0};
  const std::string line = line_at(place);
  const auto bytes = std::min(line.size(), static_cast<std::size_t>(std::max(place.column, 1) - 1));
  const auto continuations =
      std::count_if(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(bytes), is_continuation);
  return {place.source->name, place.line, std::max(place.column, 1) - static_cast<int>(continuations)};
}

std::optional<std::string> check_text(std::string text, const std::string& name, Complaints& complaints) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  const SourcePtr whole = make_source_without_lines(name);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    complaints.add({whole}, "", "the file is UTF-16; save it as UTF-8");
    return std::nullopt;
  }
  if (const std::size_t zero = text.find('\0'); zero != std::string::npos) {
    complaints.add({whole}, "", fmt::format("the file is not text: byte {} is zero", zero + 1));
    return std::nullopt;
  }
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t length = utf8_length(text, position);
    if (length == 0) {
      const auto [line, column] = line_and_column(text, position);
      complaints.add({whole}, "",
                     fmt::format("the file is not UTF-8: byte 0x{:02x} in line {}, byte {} of the line",
                                 static_cast<unsigned char>(text[position]), line, column));
      return std::nullopt;
    }
    position += length;
  }
  return text;
}

std::optional<std::string> read_text_file(const std::filesystem::path& file, const std::string& name,
                                          Complaints& complaints) {
  try {
    return check_text(read_input(file, name, kMostSpecMebibytes), name, complaints);
  } catch (const InputError& error) {
    complaints.add({make_source_without_lines(name)}, "", error.what());
    return std::nullopt;
  }
}

}  // namespace foreshard
