#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace foreshard {

/// A place in a file, as people count: line and column from 1; 0 means the whole file.
struct SourceMark {
  std::string file;
  int line = 0;
  int column = 0;
  friend bool operator==(const SourceMark&, const SourceMark&) = default;
};

/// One complaint about a file that a user wrote.
struct Diagnostic {
  SourceMark mark;
  std::string path;       ///< dotted path of the key: "parallelism.tp"; may be empty
  std::string message;    ///< what is wrong: "6 does not divide the model's 64 heads"
  std::string allowed;    ///< shown under the caret: "allowed here: 1, 2, 4, 8"; may be empty
  std::string line_text;  ///< the line of the file; empty if there is none to show
};

/// Thrown for a wrong input, with all complaints about it. The tools exit with code 2.
class SpecError : public std::runtime_error {
 public:
  explicit SpecError(std::vector<Diagnostic> diagnostics);
  [[nodiscard]] const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

/// Formats a complaint for people:
///   my.yaml:7:16: error: parallelism.tp: 6 does not divide the model's 64 heads
///       7 | parallelism: {tp: 6, pp: 4}
///         |                   ^ allowed here: 1, 2, 4, 8
std::string format_diagnostic(const Diagnostic& diagnostic);

/// Formats all complaints, one after the other, each as format_diagnostic does.
std::string format_diagnostics(const std::vector<Diagnostic>& diagnostics);

/// The candidate with the smallest edit distance to `word`, if that is small enough for a misspelling; else
/// the first candidate that begins with `word`; else none.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace foreshard
