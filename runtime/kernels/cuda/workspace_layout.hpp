#pragma once

#include <cstdint>

namespace foreshard::cuda {

/// Where things stand in a workspace, one behind the other, each aligned as memory of its own would be.
class WorkspaceLayout {
 public:
  /// Makes room for so many bytes. Returns where it begins.
  std::int64_t place(std::int64_t bytes) {
    const std::int64_t at = bytes_;
    bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return at;
  }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  static constexpr std::int64_t kAlignment = 256;
  std::int64_t bytes_ = 0;
};

}  // namespace foreshard::cuda
