#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace foreshard {

/// A place in a file that people can go to: line and column count from 1; 0 where the whole file is meant.
struct SourceMark {
  std::string file;
  int line = 0;
  int column = 0;
  friend bool operator==(const SourceMark&, const SourceMark&) = default;
};

/// One complaint about a file that a user wrote.
struct Diagnostic {
  SourceMark mark;
  std::string path;       ///< of the key: "parallelism.tp"; may be empty
  std::string message;    ///< what is wrong: "6 does not divide the model's 64 heads"
  std::string allowed;    ///< shown under the caret: "allowed here: 1, 2, 4, 8"; may be empty
  std::string line_text;  ///< the line as it stands in the file; empty where there is none to show
};

/// Everything that is wrong with an input, at once. Exit code 2.
class SpecError : public std::runtime_error {
 public:
  explicit SpecError(std::vector<Diagnostic> diagnostics);
  [[nodiscard]] const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

/// The complaint as people see it:
///   my.yaml:7:16: error: parallelism.tp: 6 does not divide the model's 64 heads
///       7 | parallelism: {tp: 6, pp: 4}
///         |                   ^ allowed here: 1, 2, 4, 8
std::string format_diagnostic(const Diagnostic& diagnostic);

/// All complaints, one after the other, each as format_diagnostic.
std::string format_diagnostics(const std::vector<Diagnostic>& diagnostics);

/// The candidate nearest to `word` by edit distance, if it is near enough to be meant; else the first that
/// begins with it.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace foreshard
