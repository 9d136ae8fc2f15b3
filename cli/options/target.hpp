#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/numbers.hpp"
#include "cli/options/option.hpp"

namespace foreshard::cli {

/// Where the values of options go. Each function makes a Target that writes to a variable, which must outlive
/// the parsing.

Target flag(bool& is_given);
Target text(std::string& value);
Target text(std::optional<std::string>& value);
Target texts(std::vector<std::string>& values);
/// One of these words; the complaint names them and the nearest.
Target word(std::string& value, std::vector<std::string> words);
/// The same where something else is to happen to the word.
Target one_of(std::vector<std::string> words,
              std::function<void(const std::string& option, const std::string& word)> read);
/// A list as it was written, which the command reads; the words are what a shell offers for its parts.
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
