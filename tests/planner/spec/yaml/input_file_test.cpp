#include "planner/spec/yaml/input_file.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

namespace fs = std::filesystem;

/// A path in the folder for temporary files that only this process uses; the file there is removed at the
/// end.
class Scratch {
 public:
  explicit Scratch(const std::string& name)
      : path_(fs::temp_directory_path() / ("foreshard-input-" + std::to_string(::getpid()) + name)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { fs::remove(path_); }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string read(const fs::path& file) { return read_input(file, file.string(), 1); }

}  // namespace

TEST_CASE("an input is read up to its bound and not beyond") {
  const Scratch file(".txt");
  const std::string most(std::size_t{1} << 20U, 'x');  // 1 MiB
  std::ofstream(file.path(), std::ios::binary) << most;
  CHECK(read(file.path()) == most);
  std::ofstream(file.path(), std::ios::binary) << most << 'x';
  CHECK_THROWS_WITH(read(file.path()), "it holds more than 1 MiB, the most that is read of one input");
  if (fs::exists("/dev/zero"))
    CHECK_THROWS_WITH(read("/dev/zero"), "it holds more than 1 MiB, the most that is read of one input");
}

TEST_CASE("inputs are noted with the hash of their bytes, once each, until they are forgotten") {
  const Scratch first(".a");
  const Scratch second(".b");
  std::ofstream(first.path(), std::ios::binary) << "old";
  std::ofstream(second.path(), std::ios::binary);
  forget_inputs();
  read_input(first.path(), "a", 1);
  read_input(second.path(), "b", 1);
  std::ofstream(first.path(), std::ios::binary) << "abc";
  read_input(first.path(), "a", 1);
  // SHA-256 of "abc" and of nothing: FIPS 180-2, appendix B.1, and NIST's test vectors.
  const InputDigest a{"a", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
  const InputDigest b{"b", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
  CHECK(noted_inputs() == std::vector{a, b});
  std::thread([] { CHECK(noted_inputs().empty()); }).join();
  forget_inputs();
  CHECK(noted_inputs().empty());
}

TEST_CASE("what cannot be read is refused in words") {
  CHECK_THROWS_WITH(read("/nonexistent"), "there is no such file");
  CHECK_THROWS_WITH(read("/"), "this is a directory, not a file");
  const Scratch locked(".locked");
  std::ofstream(locked.path()) << "secret";
  REQUIRE(::chmod(locked.path().c_str(), 0) == 0);
  if (::geteuid() != 0) CHECK_THROWS_WITH(read(locked.path()), "cannot be opened: Permission denied");
}

TEST_CASE("a FIFO is read until its writer closes it") {
  const Scratch fifo(".fifo");
  REQUIRE(::mkfifo(fifo.path().c_str(), 0600) == 0);
  std::thread writer([&] { std::ofstream(fifo.path()) << "model: x\n"; });
  CHECK(read(fifo.path()) == "model: x\n");
  writer.join();
}

TEST_CASE("what was read is known by device and inode") {
  const Scratch file(".known");
  std::ofstream(file.path()) << "text";
  struct stat status {};
  REQUIRE(::stat(file.path().c_str(), &status) == 0);
  const FileIdentity identity{status.st_dev, status.st_ino};
  read_input(file.path(), "by this name", 1);
  CHECK(name_as_input(identity) == "by this name");
  CHECK_FALSE(name_as_input({status.st_dev + 1, status.st_ino}).has_value());
}
