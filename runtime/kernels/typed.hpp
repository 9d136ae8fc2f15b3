#pragma once

#include "runtime/device/buffer.hpp"

namespace foreshard {

/// The numbers of a buffer; null if the operand is absent. Always inlined: see
/// kernels/cpu/vector/CMakeLists.txt.
template <class T>
[[gnu::always_inline]] inline T* as(const Buffer& buffer) {
  return buffer.elements == 0 ? nullptr : reinterpret_cast<T*>(buffer.data);
}

/// These fp32 numbers as a buffer.
[[gnu::always_inline]] inline Buffer fp32_buffer(float* data, std::int64_t elements) {
  return {reinterpret_cast<std::byte*>(data), elements, DType::fp32};
}

}  // namespace foreshard
