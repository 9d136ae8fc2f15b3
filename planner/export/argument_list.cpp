#include "planner/export/argument_list.hpp"

#include <fmt/core.h>

namespace foreshard::detail {

std::string shell_word(std::string_view value) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  if (!value.empty() && value.find_first_not_of(kPlain) == std::string_view::npos) return std::string(value);
  std::string quoted = "'";
  for (const char c : value) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void ArgumentList::flag(std::string_view name, std::string_view value) {
  entries_.push_back(fmt::format("{} {}", name, shell_word(value)));
}

void ArgumentList::flag(std::string_view name, std::int64_t value) {
  entries_.push_back(fmt::format("{} {}", name, value));
}

std::string ArgumentList::as_array(std::string_view name) const {
  std::string text = fmt::format("{}=(\n", name);
  for (const std::string& entry : entries_) text += fmt::format("  {}\n", entry);
  return text + ")\n";
}

}  // namespace foreshard::detail
