#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

namespace foreshard {

/// The most that is read of one spec: a job, a model, a cluster, an accelerator.
inline constexpr std::size_t kMostSpecMebibytes = 64;

/// An input that cannot be read. The message says why, without the input's name.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// All bytes of a file, a FIFO or a device, and a note that this process has read it (name_as_input).
/// @param name  how messages call the file
/// @throws InputError for what is missing, is a directory, cannot be read, or holds more than
/// `most_mebibytes` MiB
std::string read_input(const std::filesystem::path& file, const std::string& name,
                       std::size_t most_mebibytes);
/// The same for standard input, which is called <stdin>.
std::string read_standard_input(std::size_t most_mebibytes);

/// A file, whatever its path: the device it lies on, and its inode there.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend constexpr bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// Under which name this process has read the file; none if it has not. Only regular files are remembered.
/// Safe to call from several threads.
std::optional<std::string> name_as_input(const FileIdentity& file);

}  // namespace foreshard
