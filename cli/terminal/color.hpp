#pragma once

#include <string>

namespace foreshard::cli {

/// What `--color` says: auto, always or never.
struct ColorChoice {
  std::string when = "auto";
};

/// Whether to colour what goes to standard output (1) or standard error (2): as it was said, else on a
/// terminal that can, unless NO_COLOR is set and not empty (no-color.org).
bool wants_color(const ColorChoice& choice, int stream);

/// A table's verdicts in colour: what fits and holds in green, what does not in red, the winner bold. The
/// same text otherwise.
std::string colored_table(std::string text);

/// Complaints, "error:" in red.
std::string colored_complaints(const std::string& text);

}  // namespace foreshard::cli
