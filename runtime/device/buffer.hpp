#pragma once

#include <cstddef>
#include <cstdint>

#include "planner/units/dtype.hpp"

namespace foreshard {

/// A range of a device's memory: `elements` contiguous numbers of dtype `type`. Does not own the memory. An
/// empty buffer means that the operand is absent.
struct Buffer {
  std::byte* data = nullptr;
  std::int64_t elements = 0;
  DType type = DType::fp32;

  [[nodiscard]] constexpr bool empty() const { return elements == 0; }
  [[nodiscard]] constexpr std::int64_t bytes() const { return elements * size_in_bytes(type); }
  /// The `count` elements that begin with element `first`.
  [[nodiscard]] constexpr Buffer part(std::int64_t first, std::int64_t count) const {
    return {data + first * size_in_bytes(type), count, type};
  }
  friend constexpr bool operator==(const Buffer&, const Buffer&) = default;
};

}  // namespace foreshard
