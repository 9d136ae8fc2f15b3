#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/yaml/diagnostic.hpp"
#include "planner/spec/yaml/source_text.hpp"

namespace foreshard {

/// Gathers what is wrong with an input while the readers go on, so that a user sees all of it at once.
class Complaints {
 public:
  void add(const Place& place, std::string path, std::string message, std::string allowed = {});

  /// For readers: nothing was added since, so what they read so far can be reasoned about.
  [[nodiscard]] std::size_t size() const { return diagnostics_.size(); }

  /// @throws SpecError if there is any complaint: those of one file together, in the order of its lines.
  void throw_if_any() const;

 private:
  std::vector<Diagnostic> diagnostics_;
};

/// A user's text as a message shows it: in quotes, on one line, shortened.
std::string quote(std::string_view text);

/// "; did you mean 'x'?" with the candidate nearest to `word`, or nothing.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace foreshard
