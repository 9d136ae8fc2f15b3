#pragma once

#include <cstddef>
#include <cstdint>

namespace foreshard {

/// A stretch of a device's memory: `elements` numbers in the device's own width for their dtype
/// (Device::element_bytes). Refers, does not own. An empty buffer stands for an operand that there is not.
struct Buffer {
  std::byte* data = nullptr;
  std::int64_t elements = 0;

  [[nodiscard]] constexpr bool empty() const { return elements == 0; }
  friend constexpr bool operator==(const Buffer&, const Buffer&) = default;
};

}  // namespace foreshard
