#include <algorithm>

#include "runtime/kernels/cpu/cpu_kernels.hpp"

namespace foreshard::cpu {

Range part_of(std::int64_t total, std::int64_t unit, std::int64_t index, std::int64_t parts) {
  const std::int64_t units = (total + unit - 1) / unit;
  return {std::min(total, units * index / parts * unit), std::min(total, units * (index + 1) / parts * unit)};
}

}  // namespace foreshard::cpu
