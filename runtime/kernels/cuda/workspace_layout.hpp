#pragma once

#include <cstdint>

namespace foreshard::cuda {

/// The layout of a workspace: parts one after the other, each aligned like memory from cudaMalloc.
class WorkspaceLayout {
 public:
  /// Adds a part of `bytes` bytes. Returns its offset.
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
