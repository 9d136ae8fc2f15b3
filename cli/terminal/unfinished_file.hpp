#pragma once

#include <filesystem>
#include <fstream>

namespace foreshard::cli {

/// A file that is there under its name only when it is whole: it is written beside its place and moved there
/// by finish(). Destroyed before that, or on Ctrl-C, it leaves nothing.
class UnfinishedFile {
 public:
  /// @throws EnvironmentError with the system's words if it cannot be opened
  explicit UnfinishedFile(std::filesystem::path place);
  ~UnfinishedFile();
  UnfinishedFile(const UnfinishedFile&) = delete;
  UnfinishedFile& operator=(const UnfinishedFile&) = delete;

  [[nodiscard]] std::ofstream& stream() { return stream_; }
  /// Puts the file in its place. @throws EnvironmentError if it could not be written or moved
  void finish();

 private:
  std::filesystem::path place_;
  std::filesystem::path draft_;
  std::ofstream stream_;
  bool finished_ = false;
};

}  // namespace foreshard::cli
