#include "runtime/device/call_check.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace foreshard {

void CallCheck::has(std::string_view operand, Buffer buffer, std::int64_t elements,
                    std::string_view formula) const {
  if (buffer.elements == elements) return;
  refuse(fmt::format("{} has {} elements, but {} = {}", operand, buffer.elements, formula, elements));
}

void CallCheck::has_or_empty(std::string_view operand, Buffer buffer, std::int64_t elements,
                             std::string_view formula) const {
  if (!buffer.empty()) has(operand, buffer, elements, formula);
}

void CallCheck::divides(std::string_view divisor, std::int64_t divisor_value, std::string_view whole,
                        std::int64_t whole_value) const {
  if (divisor_value > 0 && whole_value % divisor_value == 0) return;
  refuse(fmt::format("{} {} does not divide {} {}", divisor, divisor_value, whole, whole_value));
}

void CallCheck::refuse(std::string_view why) const {
  throw std::invalid_argument(fmt::format("{}: {}", kernel_, why));
}

}  // namespace foreshard
