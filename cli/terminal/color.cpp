#include "cli/terminal/color.hpp"

#include <array>
#include <cstdlib>
#include <regex>
#include <string_view>
#include <utility>

#include "cli/terminal/terminal.hpp"

namespace foreshard::cli {
namespace {

constexpr const char* kRed = "\033[31m";
constexpr const char* kGreen = "\033[32m";
constexpr const char* kBoldGreen = "\033[1;32m";
constexpr const char* kPlain = "\033[0m";

bool no_color_is_set() {
  const char* const value = std::getenv("NO_COLOR");
  return value != nullptr && *value != '\0';
}

std::string painted(const std::string& text, const std::regex& words, const char* color) {
  return std::regex_replace(text, words, std::string(color) + "$&" + kPlain);
}

}  // namespace

bool wants_color(const ColorChoice& choice, int stream) {
  if (choice.when != "auto") return choice.when == "always";
  return leads_to_terminal(stream) && terminal_is_capable() && !no_color_is_set();
}

std::string colored_table(std::string text) {
  // Verdicts may be wrapped, so a line break can be between any two words.
  static const std::array<std::pair<std::regex, const char*>, 3> kVerdicts = {{
      {std::regex("✓|It\\s+fits|The\\s+prediction\\s+holds"), kGreen},
      {std::regex("✗( [0-9][0-9,.]*)?|It\\s+does\\s+not\\s+fit|Nothing\\s+fits|"
                  "The\\s+prediction\\s+does\\s+not\\s+hold"),
       kRed},
      {std::regex("Best:[^,.]*"), kBoldGreen},
  }};
  for (const auto& [words, color] : kVerdicts) text = painted(text, words, color);
  return text;
}

std::string colored_complaints(const std::string& text) { return painted(text, std::regex("error:"), kRed); }

}  // namespace foreshard::cli
