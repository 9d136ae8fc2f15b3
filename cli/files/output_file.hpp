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
/// gzip for a name that ends in .gz.
Compression compression_for(const std::filesystem::path& place);

/// A file that a command writes. A regular file is written without a name, or under a temporary one, in the
/// folder of its target, and replaces the target once it is whole: whoever reads the target sees the old file
/// or the new one. It keeps the mode and the owner of the old file and the links that lead to it. Devices,
/// FIFOs and standard output are written to as they are.
///
/// If it is destroyed before finish(), or a signal ends the process, nothing new is there.
class OutputFile {
 public:
  /// @throws UsageError, EnvironmentError as output_target; EnvironmentError if it cannot be opened
  explicit OutputFile(const std::filesystem::path& place, Compression compression = Compression::none);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  /// Throws EnvironmentError where the file cannot take what is written.
  [[nodiscard]] std::ostream& stream() { return stream_; }
  /// Puts the file in its place. @throws EnvironmentError if it could not be written or moved, UsageError if
  /// the command has read the target since
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

  std::filesystem::path place_;  // as the user named it
  OutputTarget target_;
  std::filesystem::path temporary_;
  bool is_nameless_ = false;  // temporary_ is not there yet
  bool is_in_place_ = false;
  std::optional<TemporaryName> removed_on_signal_;
  int descriptor_ = -1;
  std::optional<DescriptorBuffer> written_;
  std::optional<GzipBuffer> compressed_;
  std::ostream stream_{nullptr};
};

}  // namespace foreshard::cli
