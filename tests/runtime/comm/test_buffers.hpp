#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/comm/collective_shape.hpp"
#include "runtime/comm/communicator.hpp"

namespace foreshard::test {

/// Numbers in the width of a wire, read and written as doubles.
class WireVector {
 public:
  WireVector(WireType wire, std::int64_t elements)
      : wire_(wire), bytes_(static_cast<std::size_t>(elements * element_bytes(wire))) {}

  template <class Value>
  WireVector(WireType wire, std::int64_t elements, Value value) : WireVector(wire, elements) {
    for (std::int64_t i = 0; i < elements; ++i) set(i, value(i));
  }

  [[nodiscard]] std::int64_t size() const {
    return static_cast<std::int64_t>(bytes_.size()) / element_bytes(wire_);
  }
  [[nodiscard]] Buffer buffer() { return {.data = bytes_.data(), .elements = size()}; }

  [[nodiscard]] double at(std::int64_t i) const {
    const auto index = static_cast<std::size_t>(i);
    return wire_ == WireType::fp64
               ? reinterpret_cast<const double*>(bytes_.data())[index]
               : static_cast<double>(reinterpret_cast<const float*>(bytes_.data())[index]);
  }
  void set(std::int64_t i, double value) {
    const auto index = static_cast<std::size_t>(i);
    if (wire_ == WireType::fp64) {
      reinterpret_cast<double*>(bytes_.data())[index] = value;
    } else {
      reinterpret_cast<float*>(bytes_.data())[index] = static_cast<float>(value);
    }
  }

 private:
  WireType wire_;
  std::vector<std::byte> bytes_;
};

/// Element i of what rank r contributes: whole numbers small enough that sums over ranks are exact in fp32.
inline double contribution(std::int64_t rank, std::int64_t piece, std::int64_t i) {
  return static_cast<double>(1000 * (rank + 1) + 100 * piece + i % 97);
}

}  // namespace foreshard::test
