#include "planner/spec/yaml/complaints.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace foreshard {

void Complaints::add(const Place& place, std::string path, std::string message, std::string allowed) {
  Diagnostic diagnostic{mark_of(place), std::move(path), std::move(message), std::move(allowed), {}};
  if (diagnostic.mark.line > 0) diagnostic.line_text = line_at(place);
  diagnostics_.push_back(std::move(diagnostic));
}

void Complaints::throw_if_any() const {
  if (diagnostics_.empty()) return;
  std::vector<Diagnostic> ordered = diagnostics_;
  std::map<std::string, int> file_order;
  for (const Diagnostic& d : ordered) file_order.emplace(d.mark.file, static_cast<int>(file_order.size()));
  std::stable_sort(ordered.begin(), ordered.end(), [&](const Diagnostic& a, const Diagnostic& b) {
    return std::tuple(file_order.at(a.mark.file), a.mark.line, a.mark.column) <
           std::tuple(file_order.at(b.mark.file), b.mark.line, b.mark.column);
  });
  // If two jobs refer to the same broken model, its complaints are shown once.
  std::vector<Diagnostic> distinct;
  std::set<std::string> seen;
  for (Diagnostic& d : ordered) {
    if (seen.insert(format_diagnostic(d)).second) distinct.push_back(std::move(d));
  }
  throw SpecError(std::move(distinct));
}

std::string quote(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  std::size_t end = std::min(text.size(), kLongest);
  // Do not cut in the middle of a UTF-8 character.
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  std::string shown(text.substr(0, end));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return "'" + shown + (end < text.size() ? "…'" : "'");
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
  const std::optional<std::string> best = nearest(word, candidates);
  return best ? "; did you mean '" + *best + "'?" : std::string{};
}

}  // namespace foreshard
