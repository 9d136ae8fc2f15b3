#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime/device/host_memory.hpp"

namespace foreshard::cpu {

/// Scratch memory. It grows to what the largest kernel needs and never shrinks: after the first call of a
/// shape nothing is allocated.
class Workspace {
 public:
  /// Uninitialised memory for `count` numbers, aligned to 64 bytes; valid until the next call.
  template <class T>
  T* reserve(std::int64_t count) {
    const std::int64_t bytes = count * static_cast<std::int64_t>(sizeof(T));
    if (bytes > bytes_) {
      memory_ = allocate_host_memory(bytes);
      bytes_ = bytes;
    }
    return reinterpret_cast<T*>(memory_->data());
  }

 private:
  std::unique_ptr<DeviceMemory> memory_;
  std::int64_t bytes_ = 0;
};

}  // namespace foreshard::cpu
