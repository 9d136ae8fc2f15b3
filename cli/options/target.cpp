#include "cli/options/target.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options/suggestion.hpp"
#include "cli/terminal/usage_error.hpp"

namespace foreshard::cli {
namespace {

template <class Value>
Target stored(Value& value) {
  return setter([&value](const std::string&, const std::string& given) { value = given; });
}

template <class Value>
Target stored_share(Value& value, Bounds bounds) {
  return setter([&value, bounds](const std::string& option, const std::string& given) {
    value = parse_share(option, given, bounds);
  });
}

}  // namespace

Target setter(std::function<void(const std::string& option, const std::string& text)> read) {
  return {.read = std::move(read)};
}

Target flag(bool& is_given) {
  return setter([&is_given](const std::string&, const std::string&) { is_given = true; });
}

Target text(std::string& value) { return stored(value); }

Target text(std::optional<std::string>& value) { return stored(value); }

Target texts(std::vector<std::string>& values) {
  Target target =
      setter([&values](const std::string&, const std::string& given) { values.push_back(given); });
  target.is_repeated = true;
  return target;
}

Target one_of(std::vector<std::string> words,
              std::function<void(const std::string& option, const std::string& word)> read) {
  Target target =
      setter([words, read = std::move(read)](const std::string& option, const std::string& given) {
        if (std::find(words.begin(), words.end(), given) == words.end())
          throw UsageError(fmt::format("{}: '{}' is none of {}{}", option, given, fmt::join(words, ", "),
                                       suggestion(given, words)));
        read(option, given);
      });
  target.words = std::move(words);
  return target;
}

Target word(std::string& value, std::vector<std::string> words) {
  return one_of(std::move(words), [&value](const std::string&, const std::string& given) { value = given; });
}

Target list(std::optional<std::string>& value, std::vector<std::string> words) {
  Target target = stored(value);
  target.words = std::move(words);
  return target;
}

Target number(double& value, Bounds bounds, std::string noun) {
  return setter(
      [&value, bounds, noun = std::move(noun)](const std::string& option, const std::string& given) {
        value = parse_number(option, given, bounds, noun);
      });
}

Target share(double& value, Bounds bounds) { return stored_share(value, bounds); }

Target share(std::optional<double>& value, Bounds bounds) { return stored_share(value, bounds); }

}  // namespace foreshard::cli
