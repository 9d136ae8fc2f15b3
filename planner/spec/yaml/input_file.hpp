#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

namespace foreshard {

/// The largest size of a file that is read as a spec: a job, a model, a cluster, an accelerator.
inline constexpr std::size_t kMostSpecMebibytes = 64;

/// Thrown for an input that cannot be read. The message says why, without the input's name.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads all bytes of a file, a FIFO or a device, and records that this process has read it (name_as_input).
/// @param name  the name of the file in messages
/// @throws InputError if the file is missing, is a directory, cannot be read, or has more than
/// `most_mebibytes` MiB
std::string read_input(const std::filesystem::path& file, const std::string& name,
                       std::size_t most_mebibytes);
/// The same for standard input, which messages call <stdin>.
std::string read_standard_input(std::size_t most_mebibytes);

/// The identity of a file, independent of its path: its file system's device number, and its inode there.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend constexpr bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// The name under which this process has read the file; none if it has not. Only regular files are recorded.
/// Safe to call from several threads.
std::optional<std::string> name_as_input(const FileIdentity& file);

}  // namespace foreshard
