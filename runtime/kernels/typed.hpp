#pragma once

#include "runtime/device/buffer.hpp"

namespace foreshard {

/// The numbers of a buffer. Null where the operand is not there. Inlined always: see kernels/cpu/vector.
template <class T>
[[gnu::always_inline]] inline T* as(const Buffer& buffer) {
  return buffer.elements == 0 ? nullptr : reinterpret_cast<T*>(buffer.data);
}

}  // namespace foreshard
