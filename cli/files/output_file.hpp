#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "cli/files/descriptor_buffer.hpp"
#include "cli/files/gzip_buffer.hpp"
#include "cli/files/output_target.hpp"
#include "cli/terminal/interruption.hpp"

namespace foreshard::cli {

enum class Compression : std::uint8_t { none, gzip };
/// Compression::gzip for a name that ends in .gz, else none.
Compression compression_for(const std::filesystem::path& place);

/// A file that a command writes, either completely or not at all. A regular file is written as an unnamed or
/// temporary file in the folder of its target and replaces the target when it is complete, so readers see
/// either the old file or the new one. Mode and owner of the old file are kept, and so are symbolic links to
/// it. Devices, FIFOs and standard output are written to directly.
///
/// If the object is destroyed before finish(), or a signal ends the process, the target is unchanged.
class OutputFile {
 public:
  /// @throws UsageError, EnvironmentError as output_target; EnvironmentError if it cannot be opened
  explicit OutputFile(const std::filesystem::path& place, Compression compression = Compression::none);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  /// The stream to write to; writing throws EnvironmentError if the file cannot be written.
  [[nodiscard]] std::ostream& stream() { return stream_; }
  /// Completes the file and moves it to its target. @throws EnvironmentError if it could not be written or
  /// moved, UsageError if the command has read the target in the meantime
  void finish();

 private:
  void open_target();
  void open_temporary();
  [[nodiscard]] bool is_replacing() const {
    return target_.kind == OutputTarget::Kind::fresh || target_.kind == OutputTarget::Kind::replaced;
  }
  void keep_mode() const;
  void put_in_place();
  [[noreturn]] void fail(const std::string& call) const;

  std::filesystem::path place_;  // the path as the user gave it
  OutputTarget target_;
  std::filesystem::path temporary_;
  bool is_nameless_ = false;  // the open file has no name yet: temporary_ does not exist
  bool is_in_place_ = false;
  std::optional<TemporaryName> removed_on_signal_;
  int descriptor_ = -1;
  std::optional<DescriptorBuffer> written_;
  std::optional<GzipBuffer> compressed_;
  std::ostream stream_{nullptr};
};

}  // namespace foreshard::cli
