#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/comm/collective_shape.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/host_numbers.hpp"

namespace foreshard::test {

/// Numbers of a dtype in host memory, read and written as doubles.
class WireVector {
 public:
  WireVector(DType type, std::int64_t elements)
      : type_(type), bytes_(static_cast<std::size_t>(elements * size_in_bytes(type))) {}

  template <class Value>
  WireVector(DType type, std::int64_t elements, Value value) : WireVector(type, elements) {
    for (std::int64_t i = 0; i < elements; ++i) set(i, value(i));
  }

  [[nodiscard]] std::int64_t size() const {
    return static_cast<std::int64_t>(bytes_.size()) / size_in_bytes(type_);
  }
  [[nodiscard]] Buffer buffer() const { return {bytes_.data(), size(), type_}; }

  [[nodiscard]] double at(std::int64_t i) const {
    double value = 0.0;
    read_numbers(buffer().part(i, 1), &value);
    return value;
  }
  void set(std::int64_t i, double value) { write_numbers(buffer().part(i, 1), &value); }

 private:
  DType type_;
  mutable std::vector<std::byte> bytes_;  // mutable: a Buffer has a non-const pointer
};

/// Element i of rank r's contribution: integers so small that sums over ranks are exact in fp32.
inline double contribution(std::int64_t rank, std::int64_t piece, std::int64_t i) {
  return static_cast<double>(1000 * (rank + 1) + 100 * piece + i % 97);
}

}  // namespace foreshard::test
