#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

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

/// An input, and the SHA-256 of all its bytes, by which an answer can say what it was computed from.
struct InputDigest {
  std::string name;
  std::string sha256;
  friend bool operator==(const InputDigest&, const InputDigest&) = default;
};

/// Records that this thread has read an input. read_input and read_standard_input do it themselves. An input
/// that is read again is kept once, as it was the last time.
void note_input(InputDigest input);
/// The inputs that this thread has read since it began or called forget_inputs, in the order of their names.
std::vector<InputDigest> noted_inputs();
/// Begins the list anew, for the next of several questions to one process.
void forget_inputs();

}  // namespace foreshard
