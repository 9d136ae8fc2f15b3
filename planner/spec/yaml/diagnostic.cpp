#include "planner/spec/yaml/diagnostic.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/core.h>

namespace foreshard {

namespace {

constexpr std::size_t kLongestLine = 90;  // characters of a source line that are shown

/// The characters of a UTF-8 line, control characters made harmless.
std::vector<std::string> characters_of(std::string_view line) {
  std::vector<std::string> characters;
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80U && !characters.empty()) {
      characters.back().push_back(c);
    } else {
      characters.emplace_back(1, byte == '\t' || (byte >= 0x20 && byte != 0x7F) ? c : '?');
    }
  }
  return characters;
}

/// The line and, below it, a caret at the column. Shows only the part around the column if the line is long.
std::string line_with_caret(const Diagnostic& diagnostic) {
  const std::vector<std::string> characters = characters_of(diagnostic.line_text);
  const std::size_t caret = static_cast<std::size_t>(std::max(diagnostic.mark.column, 1)) - 1;
  std::size_t first = 0;
  std::size_t last = characters.size();
  if (characters.size() > kLongestLine) {
    const std::size_t half = kLongestLine / 2;
    first = caret > half ? std::min(caret - half, characters.size() - kLongestLine) : 0;
    last = std::min(first + kLongestLine, characters.size());
  }
  std::string line = first > 0 ? "…" : "";
  std::string below = first > 0 ? " " : "";
  for (std::size_t i = first; i < last; ++i) line += characters[i];
  // Keep tabs as tabs: the caret is then at the right column whatever the tab width is.
  for (std::size_t i = first; i < caret; ++i) below += i < last && characters[i] == "\t" ? "\t" : " ";
  if (last < characters.size()) line += "…";
  std::string text = fmt::format("{:5} | {}\n      | {}^", diagnostic.mark.line, line, below);
  if (!diagnostic.allowed.empty()) text += " " + diagnostic.allowed;
  return text + "\n";
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// The smallest number of insertions, deletions, replacements and swaps of neighbours that turn one word into
/// the other.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({replaced, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

SpecError::SpecError(std::vector<Diagnostic> diagnostics)
    : std::runtime_error(format_diagnostics(diagnostics)), diagnostics_(std::move(diagnostics)) {}

std::string format_diagnostic(const Diagnostic& diagnostic) {
  const SourceMark& mark = diagnostic.mark;
  std::string text = mark.file.empty() ? "" : mark.file + ":";
  if (mark.line > 0) text += fmt::format("{}:{}:", mark.line, mark.column);
  text += text.empty() ? "error: " : " error: ";
  if (!diagnostic.path.empty()) text += diagnostic.path + ": ";
  text += diagnostic.message;
  if (!diagnostic.line_text.empty()) return text + "\n" + line_with_caret(diagnostic);
  if (!diagnostic.allowed.empty()) {
    text += text.ends_with('?') ? " (" + diagnostic.allowed + ")" : "; " + diagnostic.allowed;
  }
  return text + "\n";
}

std::string format_diagnostics(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) text += format_diagnostic(diagnostic);
  return text;
}

std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestWord = 64;
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  const std::string small = lower(word);
  std::optional<std::string> best;
  // Up to a third of the letters may be wrong, and one in any word but the shortest.
  std::size_t best_distance = std::max<std::size_t>(word.size() > 1 ? 2 : 1, word.size() / 3 + 1);
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(small, lower(candidate));
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  if (best || word.size() < 3) return best;
  for (const std::string& candidate : candidates) {
    if (lower(candidate).starts_with(small)) return candidate;
  }
  return std::nullopt;
}

}  // namespace foreshard
