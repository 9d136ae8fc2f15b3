#pragma once

#include "runtime/device/buffer.hpp"

namespace foreshard {

/// The numbers of a buffer. Null where the operand is not there.
template <class T>
T* as(Buffer buffer) {
  return buffer.empty() ? nullptr : reinterpret_cast<T*>(buffer.data);
}

}  // namespace foreshard
