#include "cli/options/value_list.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "cli/terminal/usage_error.hpp"

namespace foreshard::cli {
namespace {

std::optional<std::int64_t> whole(std::string_view text, WholeBounds bounds) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < bounds.least || number > bounds.most)
    return std::nullopt;
  return number;
}

/// The numbers of "8" or of "1-8"; empty if the text is neither.
std::vector<std::int64_t> numbers_of(std::string_view text, WholeBounds bounds) {
  const std::size_t dash = text.find('-');
  const auto first = whole(text.substr(0, dash), bounds);
  if (!first) return {};
  if (dash == std::string_view::npos) return {*first};
  const auto last = whole(text.substr(dash + 1), bounds);
  std::vector<std::int64_t> numbers;
  const bool counts = *first == 0;
  for (std::int64_t n = *first; last && n <= *last; n = counts ? n + 1 : 2 * n) numbers.push_back(n);
  return numbers;
}

template <class Value>
void require_new(const std::string& option, const std::string& list, const std::vector<Value>& values,
                 const Value& value) {
  if (std::find(values.begin(), values.end(), value) != values.end())
    throw UsageError(fmt::format("{} '{}': {} stands there twice", option, list, value));
}

}  // namespace

std::vector<std::string> split_list(const std::string& option, const std::string& list) {
  std::vector<std::string> values;
  std::string_view rest = list;
  while (true) {
    const auto comma = rest.find(',');
    std::string value(rest.substr(0, comma));
    if (value.empty()) throw UsageError(fmt::format("{} '{}': a value is missing", option, list));
    require_new(option, list, values, value);
    values.push_back(std::move(value));
    if (comma == std::string_view::npos) return values;
    rest.remove_prefix(comma + 1);
  }
}

std::vector<std::int64_t> parse_whole_list(const std::string& option, const std::string& list,
                                           WholeBounds bounds) {
  std::vector<std::int64_t> values;
  for (const std::string& part : split_list(option, list)) {
    const std::vector<std::int64_t> numbers = numbers_of(part, bounds);
    if (numbers.empty())
      throw UsageError(fmt::format("{} takes whole numbers {} with commas between, not '{}'", option,
                                   in_words(bounds), part));
    for (const std::int64_t number : numbers) {
      require_new(option, list, values, number);
      values.push_back(number);
    }
  }
  return values;
}

}  // namespace foreshard::cli
