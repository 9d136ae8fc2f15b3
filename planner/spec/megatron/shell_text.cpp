#include "planner/spec/megatron/shell_text.hpp"

#include <algorithm>
#include <cctype>

namespace foreshard::detail {

namespace {

// Around the name of an unknown variable; no text file has these characters.
constexpr char kBegin = '\x01';
constexpr char kEnd = '\x02';

}  // namespace

ShellText ShellText::part(std::size_t begin, std::size_t count) const {
  ShellText result;
  for (std::size_t i = begin; i < std::min(begin + count, size()); ++i) result.push(chars_[i], spots_[i]);
  return result;
}

bool is_shell_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::vector<ShellText> split_words(const ShellText& text) {
  std::vector<ShellText> words;
  std::size_t begin = 0;
  const auto is_space = [&](std::size_t i) {
    return std::isspace(static_cast<unsigned char>(text.chars()[i])) != 0;
  };
  while (begin < text.size()) {
    if (is_space(begin)) {
      ++begin;
      continue;
    }
    std::size_t end = begin;
    while (end < text.size() && !is_space(end)) ++end;
    words.push_back(text.part(begin, end - begin));
    begin = end;
  }
  return words;
}

ShellText unknown_value(std::string_view name, Spot spot) {
  ShellText text;
  text.push(kBegin, spot);
  text.append(ShellText(name, spot));
  text.push(kEnd, spot);
  return text;
}

std::string unknown_in(std::string_view chars) {
  const std::size_t begin = chars.find(kBegin);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = chars.find(kEnd, begin);
  return std::string(chars.substr(begin + 1, end == std::string_view::npos ? end : end - begin - 1));
}

std::string without_unknown(std::string_view chars) {
  std::string known;
  bool inside = false;
  for (const char c : chars) {
    if (c == kBegin) inside = true;
    if (!inside) known.push_back(c);
    if (c == kEnd) inside = false;
  }
  return known;
}

}  // namespace foreshard::detail
