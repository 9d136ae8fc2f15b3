#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "planner/spec/yaml/diagnostic.hpp"

namespace foreshard {

/// A text that somebody wrote, kept to show its lines in complaints.
struct SourceText {
  std::string name;                 ///< in messages: the file as the user named it
  std::filesystem::path directory;  ///< where relative paths in it start
  std::vector<std::string> lines;   ///< without line ends; none for values from the command line
};
using SourcePtr = std::shared_ptr<const SourceText>;

/// A place in a source. Line and column (in bytes) count from 1; 0 means the source as a whole.
struct Place {
  SourcePtr source;
  int line = 0;
  int column = 0;
};

SourcePtr make_source(std::string name, std::filesystem::path directory, const std::string& text);
/// For a value from the command line: complaints show its name alone.
SourcePtr make_source_without_lines(std::string name);

/// The place as people count, in characters, and its line. The line is left out where there is none.
SourceMark mark_of(const Place& place);
std::string line_at(const Place& place);

class Complaints;

/// The whole text of a file, without byte-order mark. Refused with a complaint, and none returned: what is
/// missing, a directory, unreadable, larger than 64 MiB, binary or not UTF-8.
std::optional<std::string> read_text_file(const std::filesystem::path& file, const std::string& name,
                                          Complaints& complaints);
/// The same checks for a text that is already here.
std::optional<std::string> check_text(std::string text, const std::string& name, Complaints& complaints);

}  // namespace foreshard
