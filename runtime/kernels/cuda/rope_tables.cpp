#include "runtime/kernels/cuda/rope_tables.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

#include "runtime/cuda/cuda_check.hpp"

namespace foreshard::cuda {

RopeTables::~RopeTables() {
  for (const auto& [shape, table] : tables_) cudaFree(table);
}

const float* RopeTables::find(std::int64_t sequence, std::int64_t head_dim, double theta) {
  float*& table = tables_[{sequence, head_dim, theta}];
  if (table != nullptr) return table;
  const std::int64_t half = head_dim / 2;
  const auto angles = static_cast<std::size_t>(sequence * half);
  std::vector<float> numbers(2 * angles);
  for (std::int64_t position = 0; position < sequence; ++position) {
    for (std::int64_t pair = 0; pair < half; ++pair) {
      const double angle = static_cast<double>(position) *
                           std::pow(theta, -2.0 * static_cast<double>(pair) / static_cast<double>(head_dim));
      const auto at = static_cast<std::size_t>(position * half + pair);
      numbers[at] = static_cast<float>(std::cos(angle));
      numbers[angles + at] = static_cast<float>(std::sin(angle));
    }
  }
  void* memory = nullptr;
  check_cuda(cudaMalloc(&memory, numbers.size() * sizeof(float)), "cudaMalloc of rotary tables");
  table = static_cast<float*>(memory);
  check_cuda(cudaMemcpy(table, numbers.data(), numbers.size() * sizeof(float), cudaMemcpyHostToDevice),
             "cudaMemcpy of rotary tables");
  return table;
}

}  // namespace foreshard::cuda
