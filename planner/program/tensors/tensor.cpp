#include "planner/program/tensors/tensor.hpp"

#include <algorithm>

namespace foreshard {

std::int64_t Tensor::global_elements() const {
  std::int64_t elements = 1;
  for (const Dim& dim : dims) elements = checked_product(elements, dim.size);
  return elements;
}

std::int64_t Tensor::local_elements() const {
  std::int64_t elements = 1;
  for (const Dim& dim : dims) elements = checked_product(elements, dim.local());
  return elements;
}

std::int64_t Tensor::known_rows() const {
  return (global_elements() - padding) / (global_elements() / dims.front().size);
}

bool Tensor::replicated_over_tp() const {
  return std::none_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.tp > 1; });
}

}  // namespace foreshard
