#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/numbers.hpp"
#include "cli/options/option.hpp"

namespace foreshard::cli {

/// Functions that make the targets of options. Each returns a Target that writes the option's value to a
/// variable, which must outlive the parsing.

Target flag(bool& is_given);
Target text(std::string& value);
Target text(std::optional<std::string>& value);
Target texts(std::vector<std::string>& values);
/// Takes one of these words. The error for any other lists them and suggests the nearest.
Target word(std::string& value, std::vector<std::string> words);
/// As word(), but calls `read` with the word.
Target one_of(std::vector<std::string> words,
              std::function<void(const std::string& option, const std::string& word)> read);
/// Takes a list as text, which the command parses later. The words are what a shell offers for the list's
/// parts.
Target list(std::optional<std::string>& value, std::vector<std::string> words = {});
Target number(double& value, Bounds bounds, std::string noun);
Target share(double& value, Bounds bounds);
Target share(std::optional<double>& value, Bounds bounds);
Target setter(std::function<void(const std::string& option, const std::string& text)> read);

template <class Whole>
Target whole_number(Whole& value, WholeBounds bounds) {
  return setter([&value, bounds](const std::string& option, const std::string& text) {
    value = static_cast<Whole>(parse_whole(option, text, bounds));
  });
}
template <class Whole>
Target whole_number(std::optional<Whole>& value, WholeBounds bounds) {
  return setter([&value, bounds](const std::string& option, const std::string& text) {
    value = static_cast<Whole>(parse_whole(option, text, bounds));
  });
}

}  // namespace foreshard::cli
