#pragma once

#include <string>

namespace foreshard::cli {

/// The value of `--color`: auto, always or never.
struct ColorChoice {
  std::string when = "auto";
};

/// Whether to colour text on standard output (1) or standard error (2). With auto: if the stream is a
/// terminal with colours, and NO_COLOR is unset or empty (no-color.org).
bool wants_color(const ColorChoice& choice, int stream);

/// Colours the verdicts in a table: green for what fits or holds, red for what does not, bold for the winner.
/// The rest of the text is unchanged.
std::string colored_table(std::string text);

/// Colours "error:" in complaints red.
std::string colored_complaints(const std::string& text);

}  // namespace foreshard::cli
