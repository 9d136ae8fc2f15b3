#pragma once

#include <cstdint>

#include "runtime/device/buffer.hpp"

namespace foreshard {

/// Copies doubles into and out of host memory that holds numbers of type T.
template <class T>
void write_numbers(Buffer to, const double* from) {
  T* numbers = reinterpret_cast<T*>(to.data);
  for (std::int64_t i = 0; i < to.elements; ++i) numbers[i] = static_cast<T>(from[i]);
}
template <class T>
void read_numbers(Buffer from, double* to) {
  const T* numbers = reinterpret_cast<const T*>(from.data);
  for (std::int64_t i = 0; i < from.elements; ++i) to[i] = static_cast<double>(numbers[i]);
}

}  // namespace foreshard
