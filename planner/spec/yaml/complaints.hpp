#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/yaml/diagnostic.hpp"
#include "planner/spec/yaml/source_text.hpp"

namespace foreshard {

/// Collects everything that is wrong with an input. Readers continue after a complaint, so that a user sees
/// all complaints at once.
class Complaints {
 public:
  void add(const Place& place, std::string path, std::string message, std::string allowed = {});

  /// The number of complaints. If it has not changed since a reader began, all values read since are valid.
  [[nodiscard]] std::size_t size() const { return diagnostics_.size(); }

  /// @throws SpecError if there is any complaint; complaints are grouped by file, in the order of its lines
  void throw_if_any() const;

 private:
  std::vector<Diagnostic> diagnostics_;
};

/// A user's text in the form that messages show: in quotes, on one line, shortened.
std::string quote(std::string_view text);

/// "; did you mean 'x'?" with the candidate nearest to `word`, or nothing.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace foreshard
