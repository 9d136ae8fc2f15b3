// Files that commands write: what is there before, during and after.

#include "cli/files/output_file.hpp"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "cli/terminal/environment_error.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/spec/yaml/input_file.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::cli;

namespace {

namespace fs = std::filesystem;

/// A folder of this test alone, gone at its end.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("foreshard-output-" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] fs::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] std::ptrdiff_t entries() const {
    return std::distance(fs::directory_iterator(path_), fs::directory_iterator());
  }

 private:
  fs::path path_;
};

void put(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }
std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
mode_t mode_of(const fs::path& file) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

void write(const fs::path& file, const std::string& text, Compression compression = Compression::none) {
  OutputFile out(file, compression);
  out.stream() << text;
  out.finish();
}

}  // namespace

TEST_CASE("a new file is there once it is whole, with the mode that the umask leaves") {
  const Folder folder;
  const mode_t before = ::umask(0027);
  {
    OutputFile out(folder / "new");
    out.stream() << "text";
    CHECK_FALSE(fs::exists(folder / "new"));
    out.finish();
  }
  ::umask(before);
  CHECK(text_of(folder / "new") == "text");
  CHECK(mode_of(folder / "new") == 0640);  // 0666 without 0027
  CHECK(folder.entries() == 1);
}

TEST_CASE("a file that is replaced keeps its mode, and its text until the new one is whole") {
  const Folder folder;
  put(folder / "file", "old");
  REQUIRE(::chmod((folder / "file").c_str(), 0604) == 0);
  {
    OutputFile out(folder / "file");
    out.stream() << "new" << std::flush;
    CHECK(text_of(folder / "file") == "old");
    out.finish();
  }
  CHECK(text_of(folder / "file") == "new");
  CHECK(mode_of(folder / "file") == 0604);
}

TEST_CASE("what is not finished leaves the old file and nothing else") {
  const Folder folder;
  put(folder / "file", "old");
  {
    OutputFile out(folder / "file");
    out.stream() << "new" << std::flush;
  }
  CHECK(text_of(folder / "file") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("links are followed and stay links") {
  const Folder folder;
  fs::create_directory(folder / "deep");
  put(folder / "deep/file", "old");
  fs::create_symlink("deep/middle", folder / "link");
  fs::create_symlink("file", folder / "deep/middle");  // from where this link lies
  write(folder / "link", "new");
  CHECK(fs::read_symlink(folder / "link") == "deep/middle");
  CHECK(fs::read_symlink(folder / "deep/middle") == "file");
  CHECK(text_of(folder / "deep/file") == "new");

  fs::create_symlink("deep/not-yet", folder / "dangling");
  write(folder / "dangling", "first");
  CHECK(fs::is_symlink(folder / "dangling"));
  CHECK(text_of(folder / "deep/not-yet") == "first");

  fs::create_symlink("round", folder / "round");
  CHECK_THROWS_WITH(OutputFile(folder / "round"), ContainsSubstring("Too many levels of symbolic links"));
}

TEST_CASE("devices and FIFOs are written to and stay what they are") {
  const Folder folder;
  struct stat before {};
  REQUIRE(::stat("/dev/null", &before) == 0);
  write("/dev/null", "gone");
  struct stat after {};
  REQUIRE(::stat("/dev/null", &after) == 0);
  CHECK(S_ISCHR(after.st_mode));
  CHECK(after.st_ino == before.st_ino);
  CHECK(after.st_mode == before.st_mode);

  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  std::string heard;
  std::thread reader([&] { heard = text_of(folder / "fifo"); });
  write(folder / "fifo", "through");
  reader.join();
  CHECK(heard == "through");
  CHECK(fs::is_fifo(folder / "fifo"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a descriptor by its path is written to from where it stands") {
  const Folder folder;
  FILE* const file = std::fopen((folder / "log").c_str(), "w");
  REQUIRE(file != nullptr);
  std::fputs("before ", file);
  std::fflush(file);
  write("/dev/fd/" + std::to_string(::fileno(file)), "between ");
  std::fputs("after", file);
  std::fclose(file);
  CHECK(text_of(folder / "log") == "before between after");
}

TEST_CASE("a full disk is reported with the call, the system's words and what to try") {
  if (!fs::exists("/dev/full")) return;
  OutputFile out("/dev/full");
  const auto fill = [&] {
    for (int i = 0; i < 1024; ++i) out.stream() << std::string(1024, 'x');
    out.finish();
  };
  CHECK_THROWS_WITH(fill(),
                    "'/dev/full' cannot be written: write: No space left on device; make room on this "
                    "disk, or name a file on another one");
}

TEST_CASE("a place that cannot be written is refused before anything is") {
  const Folder folder;
  CHECK_THROWS_AS(OutputFile(folder / ""), UsageError);  // a directory
  CHECK_THROWS_WITH(OutputFile(folder / "no/file"),
                    ContainsSubstring("No such file or directory; create its folder "
                                      "first (mkdir -p '"));
  put(folder / "protected", "old");
  REQUIRE(::chmod((folder / "protected").c_str(), 0444) == 0);
  if (::geteuid() == 0) return;  // whom modes do not hold
  CHECK_THROWS_WITH(OutputFile(folder / "protected"), ContainsSubstring("Permission denied"));
}

TEST_CASE("a file that was read is not overwritten, whatever its path") {
  const Folder folder;
  put(folder / "job.yaml", "read");
  put(folder / "late.yaml", "read");
  fs::create_symlink("job.yaml", folder / "link");
  fs::create_hard_link(folder / "job.yaml", folder / "other-name");
  CHECK(read_input(folder / "job.yaml", "my job.yaml", 1) == "read");
  for (const char* name : {"job.yaml", "link", "other-name"}) {
    INFO(name);
    CHECK_THROWS_AS(OutputFile(folder / name), UsageError);
    CHECK_THROWS_WITH(OutputFile(folder / name),
                      ContainsSubstring(std::string(name) + "' cannot be written: it is the same file as 'my "
                                                            "job.yaml', which this command reads"));
  }
  OutputFile out(folder / "late.yaml");
  out.stream() << "new";
  read_input(folder / "late.yaml", "late.yaml", 1);
  CHECK_THROWS_AS(out.finish(), UsageError);
  CHECK(text_of(folder / "job.yaml") == "read");
  CHECK(text_of(folder / "late.yaml") == "read");
}

TEST_CASE("the longest name that the system takes will do") {
  const Folder folder;
  const fs::path longest = folder / std::string(255, 'n');
  write(longest, "text");
  CHECK(text_of(longest) == "text");
}

TEST_CASE("a name in .gz asks for gzip, which gives the same bytes each time") {
  CHECK(compression_for("step.json.gz") == Compression::gzip);
  CHECK(compression_for("step.json") == Compression::none);
  const Folder folder;
  std::string text;  // more than the buffers hold
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i * 7919) + ",";
  write(folder / "one.gz", text, Compression::gzip);
  write(folder / "two.gz", text, Compression::gzip);
  CHECK(text_of(folder / "one.gz") == text_of(folder / "two.gz"));
  CHECK(fs::file_size(folder / "one.gz") < text.size() / 2);
  FILE* const pipe = ::popen(("gzip -dc '" + (folder / "one.gz").string() + "'").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string again;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    again.append(buffer.data(), n);
  CHECK(::pclose(pipe) == 0);
  CHECK(again == text);
}
