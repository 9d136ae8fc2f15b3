// The entry of libFuzzer. The environment variable FORESHARD_READER names the reader; the rest of the command line is
// libFuzzer's.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/fuzz/readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const foreshard::fuzz::Reader& reader = []() -> const foreshard::fuzz::Reader& {
    const char* const name = std::getenv("FORESHARD_READER");
    return foreshard::fuzz::reader_named(name == nullptr ? "" : name);
  }();
  foreshard::fuzz::read_bytes(reader, std::string(reinterpret_cast<const char*>(bytes), size));
  return 0;
}
