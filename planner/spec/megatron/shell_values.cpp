#include "planner/spec/megatron/shell_values.hpp"

#include <algorithm>
#include <cctype>

#include "planner/spec/megatron/shell_test.hpp"

namespace foreshard::detail {

namespace {

ShellText joined(const std::vector<ShellText>& items) {
  ShellText all;
  for (const ShellText& item : items) {
    if (!all.empty()) all.push(' ', item.begin_spot());
    all.append(item);
  }
  return all;
}

bool is_empty(const std::vector<ShellText>& items) {
  return std::all_of(items.begin(), items.end(), [](const ShellText& item) { return item.empty(); });
}

}  // namespace

void ShellValues::append(const std::string& name, const std::vector<ShellText>& items, bool is_array) {
  std::vector<ShellText>& old = items_[name];
  if (is_array || old.empty()) {
    old.insert(old.end(), items.begin(), items.end());
  } else if (!items.empty()) {
    old.front().append(items.front());
  }
}

ShellValues::Value ShellValues::variable(const ShellText& expression, Spot spot) const {
  const std::string& chars = expression.chars();
  std::size_t end = 0;
  while (end < chars.size() && is_shell_name_char(chars[end])) ++end;
  if (end == 0) return {{unknown_value(chars.substr(0, 1), spot)}};
  const std::string name = chars.substr(0, end);
  std::string rest = chars.substr(end);
  Value value;
  for (const char* const all : {"[@]", "[*]"}) {
    if (!rest.starts_with(all)) continue;
    value.is_array = true;
    rest = rest.substr(3);
    end += 3;
  }
  const auto known = items_.find(name);
  const bool is_set = known != items_.end();
  if (is_set) value.items = known->second;
  if (rest.empty() || rest.starts_with(":?")) {
    if (!is_set && !value.is_array) value.items = {unknown_value(name, spot)};
    return value;
  }
  const bool or_empty = rest.starts_with(':');
  const char op = rest.size() > (or_empty ? 1U : 0U) ? rest[or_empty ? 1 : 0] : '\0';
  const bool has_value = is_set && !(or_empty && is_empty(value.items));
  const std::size_t begin = end + (or_empty ? 2 : 1);
  if (op == '-' || op == '=') {
    if (!has_value) value.items = {expanded(expression.part(begin, chars.size()))};
    return value;
  }
  if (op == '+') {
    value.items.clear();
    if (has_value) value.items = {expanded(expression.part(begin, chars.size()))};
    return value;
  }
  return {{unknown_value(name, spot)}};  // cuts and replacements of the value
}

ShellText ShellValues::arithmetic(const ShellText& expression, Spot spot) const {
  std::string numbers;
  const std::string& chars = expression.chars();
  for (std::size_t i = 0; i < chars.size();) {
    const bool is_dollar = chars[i] == '$';
    if (!is_dollar &&
        (!is_shell_name_char(chars[i]) || std::isdigit(static_cast<unsigned char>(chars[i])) != 0)) {
      numbers.push_back(chars[i++]);
      continue;
    }
    if (is_dollar) ++i;
    const bool in_braces = i < chars.size() && chars[i] == '{';
    const std::size_t begin = in_braces ? i + 1 : i;
    std::size_t end = begin;
    while (end < chars.size() && (in_braces ? chars[end] != '}' : is_shell_name_char(chars[end]))) ++end;
    const std::string value = joined(variable(expression.part(begin, end - begin), spot).items).chars();
    if (const std::string unknown = unknown_in(value); !unknown.empty()) return unknown_value(unknown, spot);
    numbers += value;
    i = in_braces ? end + 1 : end;
    if (end == begin) break;
  }
  const auto result = shell_arithmetic(numbers);
  return result ? ShellText(std::to_string(*result), spot) : unknown_value("((" + chars + "))", spot);
}

ShellValues::Value ShellValues::value(const ShellPart& part) const {
  switch (part.kind) {
    case ShellPart::Kind::literal: return {{part.text}};
    case ShellPart::Kind::variable: return variable(part.text, part.spot);
    case ShellPart::Kind::arithmetic: return {{arithmetic(part.text, part.spot)}};
    case ShellPart::Kind::command: break;
  }
  return {{unknown_value("(" + part.text.chars() + ")", part.spot)}};
}

std::vector<ShellText> ShellValues::words(const ShellToken& token) const {
  std::vector<ShellText> result;
  bool is_open = false;  // the last word continues with the next part
  const auto add = [&](const ShellText& text) {
    if (is_open)
      result.back().append(text);
    else
      result.push_back(text);
    is_open = true;
  };
  for (const ShellPart& part : token.parts) {
    const Value value = this->value(part);
    const bool is_literal = part.kind == ShellPart::Kind::literal;
    if (is_literal || (part.is_quoted && !value.is_array)) {
      add(joined(value.items));
      continue;
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      if (i > 0) is_open = false;
      const std::vector<ShellText> split =
          part.is_quoted ? std::vector<ShellText>{value.items[i]} : split_words(value.items[i]);
      for (std::size_t w = 0; w < split.size(); ++w) {
        if (w > 0) is_open = false;
        add(split[w]);
      }
    }
  }
  return result;
}

ShellText ShellValues::text(const ShellToken& token) const {
  ShellText all;
  for (const ShellPart& part : token.parts) all.append(joined(value(part).items));
  return all;
}

ShellText ShellValues::expanded(const ShellText& text) const {
  ShellText result;
  const std::string& chars = text.chars();
  for (std::size_t i = 0; i < chars.size(); ++i) {
    if (chars[i] == '"' || chars[i] == '\'') continue;
    if (chars[i] == '\\' && i + 1 < chars.size()) {
      ++i;
      if (chars[i] != '\n') result.push(chars[i], text.spot(i));
      continue;
    }
    if (chars[i] != '$' || i + 1 >= chars.size()) {
      result.push(chars[i], text.spot(i));
      continue;
    }
    const bool in_braces = chars[i + 1] == '{';
    const std::size_t begin = in_braces ? i + 2 : i + 1;
    std::size_t end = begin;
    int depth = 1;
    while (end < chars.size()) {
      if (in_braces && chars[end] == '{') ++depth;
      if (in_braces && chars[end] == '}' && --depth == 0) break;
      if (!in_braces && !is_shell_name_char(chars[end])) break;
      ++end;
    }
    result.append(joined(variable(text.part(begin, end - begin), text.spot(i)).items));
    i = in_braces ? end : end - 1;
  }
  return result;
}

}  // namespace foreshard::detail
