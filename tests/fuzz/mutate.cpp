// Reads files, and variants of them with random mistakes: what CI does of fuzzing, with any compiler.
//
//   foreshard_fuzz READER COUNT SEED FILE|FOLDER…
//
// Reads every file as it is, then COUNT variants: bytes and lines changed, left out, repeated, or taken from another
// file. The environment variable FORESHARD_VARIANT names a file to which each variant is written before it is read: after a
// crash, that is the input which caused it.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/readers.hpp"

namespace {

namespace fs = std::filesystem;
using Engine = std::mt19937_64;

std::vector<std::string> texts_of(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) files.emplace_back(path);
    if (!fs::is_directory(path)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> texts;
  for (const fs::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return texts;
}

std::size_t below(Engine& engine, std::size_t bound) { return engine() % bound; }

/// Numbers and signs at which readers err.
const std::vector<std::string> kTokens{"0",
                                       "-1",
                                       "9223372036854775807",
                                       "9223372036854775808",
                                       "1e308",
                                       "1e-320",
                                       "nan",
                                       "inf",
                                       "0x10",
                                       "1e18",
                                       "2147483648",
                                       "{",
                                       "}",
                                       "[",
                                       "]",
                                       ":",
                                       "- ",
                                       "&a ",
                                       "*a",
                                       "\"",
                                       "'",
                                       "\n",
                                       "\t",
                                       "#",
                                       "\\",
                                       "$(",
                                       "null",
                                       "true",
                                       "---\n",
                                       "GiB",
                                       "\xc3\xa9"};

/// A stretch of a text: from a place, of up to so many bytes.
std::pair<std::size_t, std::size_t> piece(Engine& engine, const std::string& text, std::size_t longest) {
  const std::size_t begin = below(engine, text.size() + 1);
  return {begin, std::min(below(engine, longest) + 1, text.size() - begin)};
}

void change(Engine& engine, std::string& text, const std::string& other) {
  const auto [begin, length] = piece(engine, text, 40);
  const auto [from, count] = piece(engine, other, 200);
  switch (below(engine, 6)) {
    case 0: text.erase(begin, length); break;
    case 1: text.insert(begin, text.substr(begin, length)); break;
    case 2:
      text.replace(begin, std::min<std::size_t>(length, 4), kTokens[below(engine, kTokens.size())]);
      break;
    case 3: text.insert(begin, kTokens[below(engine, kTokens.size())]); break;
    case 4: text.insert(begin, other.substr(from, count)); break;
    default:
      if (begin < text.size()) text[begin] = static_cast<char>(below(engine, 256));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: foreshard_fuzz READER COUNT SEED FILE|FOLDER…\n";
    return 2;
  }
  const foreshard::fuzz::Reader& reader = foreshard::fuzz::reader_named(argv[1]);
  const std::size_t count = std::strtoull(argv[2], nullptr, 10);
  Engine engine(std::strtoull(argv[3], nullptr, 10));
  const std::vector<std::string> texts = texts_of({argv + 4, argv + argc});
  if (texts.empty()) {
    std::cerr << "foreshard_fuzz: no files\n";
    return 2;
  }
  const char* const variant = std::getenv("FORESHARD_VARIANT");
  for (const std::string& text : texts) foreshard::fuzz::read_bytes(reader, text);
  for (std::size_t i = 0; i < count; ++i) {
    std::string text = texts[below(engine, texts.size())];
    const std::size_t changes = 1 + below(engine, 5);
    for (std::size_t c = 0; c < changes; ++c) change(engine, text, texts[below(engine, texts.size())]);
    if (variant != nullptr) std::ofstream(variant, std::ios::binary) << text;
    foreshard::fuzz::read_bytes(reader, text);
  }
  std::cout << reader.name << ": " << texts.size() << " files and " << count << " variants read\n";
  return 0;
}
