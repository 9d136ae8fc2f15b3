#include "planner/spec/yaml/input_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "planner/spec/yaml/sha256.hpp"

namespace foreshard {

namespace {

/// The regular files that this process has read. There is one list per process.
class Inputs {
 public:
  void add(const FileIdentity& file, const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::erase_if(inputs_, [&](const Input& input) { return input.first == file; });
    inputs_.emplace_back(file, name);
  }
  std::optional<std::string> name_of(const FileIdentity& file) {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(inputs_.begin(), inputs_.end(), [&](const Input& input) { return input.first == file; });
    return found == inputs_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  using Input = std::pair<FileIdentity, std::string>;

  std::mutex mutex_;
  std::vector<Input> inputs_;
};

Inputs& inputs() {
  static Inputs all;
  return all;
}

/// The inputs of this thread's present question: name and hash.
thread_local std::map<std::string, std::string> read_digests;

[[noreturn]] void refuse_input(const char* what) {
  throw InputError(fmt::format("{}: {}", what, std::strerror(errno)));
}

/// An open file, closed by the destructor.
class OpenInput {
 public:
  explicit OpenInput(const std::filesystem::path& file)
      : descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {
    if (descriptor_ >= 0) return;
    if (errno == ENOENT) throw InputError("there is no such file");
    refuse_input("cannot be opened");
  }
  OpenInput(const OpenInput&) = delete;
  OpenInput& operator=(const OpenInput&) = delete;
  ~OpenInput() { ::close(descriptor_); }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string read_all(int descriptor, const std::string& name, std::size_t most_mebibytes) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) refuse_input("cannot be read");
  if (S_ISDIR(status.st_mode)) throw InputError("this is a directory, not a file");
  if (S_ISREG(status.st_mode)) inputs().add({status.st_dev, status.st_ino}, name);

  const std::size_t most = most_mebibytes << 20U;
  std::string text;
  std::string piece(std::size_t{1} << 16U, '\0');
  while (true) {
    const ssize_t got = ::read(descriptor, piece.data(), piece.size());
    if (got == 0) {
      note_input({.name = name, .sha256 = sha256_hex(text)});
      return text;
    }
    if (got < 0) {
      if (errno == EINTR) continue;
      refuse_input("cannot be read");
    }
    text.append(piece, 0, static_cast<std::size_t>(got));
    if (text.size() > most)
      throw InputError(
          fmt::format("it holds more than {} MiB, the most that is read of one input", most_mebibytes));
  }
}

}  // namespace

std::string read_input(const std::filesystem::path& file, const std::string& name,
                       std::size_t most_mebibytes) {
  const OpenInput input(file);
  return read_all(input.descriptor(), name, most_mebibytes);
}

std::string read_standard_input(std::size_t most_mebibytes) {
  return read_all(STDIN_FILENO, "<stdin>", most_mebibytes);
}

std::optional<std::string> name_as_input(const FileIdentity& file) { return inputs().name_of(file); }

void note_input(InputDigest input) {
  read_digests.insert_or_assign(std::move(input.name), std::move(input.sha256));
}

std::vector<InputDigest> noted_inputs() {
  std::vector<InputDigest> all;
  for (const auto& [name, sha256] : read_digests) all.push_back({name, sha256});
  return all;
}

void forget_inputs() { read_digests.clear(); }

}  // namespace foreshard
