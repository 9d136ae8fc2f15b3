#include "planner/spec/yaml/map_writer.hpp"

#include <stdexcept>

#include <fmt/core.h>

namespace foreshard {

std::string MapWriter::quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result + '"';
}

void MapWriter::start_line() { text_.append(static_cast<std::size_t>(depth_) * 2, ' '); }

void MapWriter::comment(std::string_view text) {
  while (true) {
    const std::size_t end = text.find('\n');
    start_line();
    text_ += fmt::format("# {}\n", text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void MapWriter::plain(std::string_view key, std::string_view value) {
  start_line();
  text_ += fmt::format("{}: {}\n", key, value);
}

void MapWriter::plain(std::string_view key, double value) { plain(key, fmt::format("{}", value)); }

void MapWriter::text(std::string_view key, std::string_view value) { plain(key, quoted(value)); }

void MapWriter::item(std::string_view value) {
  start_line();
  text_ += fmt::format("- {}\n", value);
}

void MapWriter::begin(std::string_view key) {
  start_line();
  text_ += fmt::format("{}:\n", key);
  ++depth_;
}

void MapWriter::end() {
  if (depth_ == 0) throw std::logic_error("MapWriter::end without begin");
  --depth_;
}

}  // namespace foreshard
