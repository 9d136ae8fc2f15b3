#pragma once

#include <array>
#include <string>
#include <string_view>

// What fuzzing feeds with arbitrary bytes: every reader of what users or other programs wrote.

namespace foreshard::fuzz {

struct Reader {
  std::string_view name;
  void (*read)(const std::string& text);
};

extern const std::array<Reader, 14> kReaders;

/// Reads a text. Complaints about it are caught; every other exception is a fault of the reader.
void read_bytes(const Reader& reader, const std::string& text);

/// @throws std::invalid_argument that lists the readers, if there is none of this name
const Reader& reader_named(std::string_view name);

}  // namespace foreshard::fuzz
