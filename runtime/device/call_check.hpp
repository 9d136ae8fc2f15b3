#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/device/buffer.hpp"

namespace foreshard {

/// Checks buffers and sizes of one call; messages begin with the kernel's name.
/// @throws std::invalid_argument
class CallCheck {
 public:
  explicit CallCheck(std::string kernel) : kernel_(std::move(kernel)) {}

  void has(std::string_view operand, Buffer buffer, std::int64_t elements, std::string_view formula) const;
  void has_or_empty(std::string_view operand, Buffer buffer, std::int64_t elements,
                    std::string_view formula) const;
  void divides(std::string_view divisor, std::int64_t divisor_value, std::string_view whole,
               std::int64_t whole_value) const;
  [[noreturn]] void refuse(std::string_view why) const;

 private:
  std::string kernel_;
};

}  // namespace foreshard
