#include "runtime/kernels/cpu/rope_tables.hpp"

#include <cmath>
#include <cstddef>

namespace foreshard::cpu {

const float* RopeTables::turns(std::int64_t sequence, std::int64_t head_dim, double theta) {
  std::vector<float>& table = tables_[{sequence, head_dim, theta}];
  if (!table.empty()) return table.data();
  table.resize(static_cast<std::size_t>(sequence * head_dim));
  const std::int64_t half = head_dim / 2;
  for (std::int64_t i = 0; i < half; ++i) {
    const double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    for (std::int64_t position = 0; position < sequence; ++position) {
      const double angle = static_cast<double>(position) * frequency;
      float* row = table.data() + position * head_dim;
      row[i] = static_cast<float>(std::cos(angle));
      row[half + i] = static_cast<float>(std::sin(angle));
    }
  }
  return table.data();
}

}  // namespace foreshard::cpu
