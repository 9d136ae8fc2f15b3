#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "planner/spec/types/names.hpp"
#include "runtime/kernels/cpu/cpu_kernels.hpp"

namespace foreshard::cpu {

void expect_one_width(const char* kernel, std::initializer_list<Buffer> operands) {
  const Buffer* first = nullptr;
  for (const Buffer& operand : operands) {
    if (operand.empty()) continue;
    if (first == nullptr) first = &operand;
    if (operand.type != first->type) {
      throw std::invalid_argument(fmt::format("{}: a CPU does not mix {} with {}", kernel,
                                              word_of(first->type), word_of(operand.type)));
    }
  }
}

Range part_of(std::int64_t total, std::int64_t unit, std::int64_t index, std::int64_t parts) {
  const std::int64_t units = (total + unit - 1) / unit;
  return {std::min(total, units * index / parts * unit), std::min(total, units * (index + 1) / parts * unit)};
}

}  // namespace foreshard::cpu
