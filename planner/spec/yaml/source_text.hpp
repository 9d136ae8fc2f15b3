#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "planner/spec/yaml/diagnostic.hpp"

namespace foreshard {

/// An input text, kept in order to show its lines in complaints.
struct SourceText {
  std::string name;                 ///< for messages: the file as the user named it
  std::filesystem::path directory;  ///< relative paths in the text start here
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
/// The source of a value from the command line: complaints show only its name.
SourcePtr make_source_without_lines(std::string name);

/// The place with its column in characters instead of bytes.
SourceMark mark_of(const Place& place);
/// The text of the place's line; empty if the source has no lines.
std::string line_at(const Place& place);

class Complaints;

/// Reads the whole text of a file, without byte-order mark. Returns none, with a complaint, if the file is
/// missing, a directory, unreadable, larger than 64 MiB, binary or not UTF-8.
std::optional<std::string> read_text_file(const std::filesystem::path& file, const std::string& name,
                                          Complaints& complaints);
/// The same checks for a text that is already in memory.
std::optional<std::string> check_text(std::string text, const std::string& name, Complaints& complaints);

}  // namespace foreshard
