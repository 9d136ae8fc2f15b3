#include "runtime/execute/zero_shares.hpp"

#include <algorithm>

namespace foreshard {

std::int64_t replicas_of(const StepProgram& program, const Tensor& weight) {
  return program.group(GroupKind::dp_cp).size / weight.dims.front().ep;
}

std::int64_t whole_elements(const Tensor& weight) {
  Tensor whole = weight;
  for (Dim& dim : whole.dims) dim.dp = 1;
  return whole.local_elements();
}

bool is_cut_by_zero(const Tensor& tensor) {
  return std::any_of(tensor.dims.begin(), tensor.dims.end(), [](const Dim& dim) { return dim.dp > 1; });
}

Share optimizer_share(const StepProgram& program, const Coordinates& at, const Tensor& weight) {
  const std::int64_t elements = whole_elements(weight);
  if (weight.update_parts == 1) return {.first = 0, .elements = elements};
  // Experts are distributed over consecutive members of dp·cp, so copies of an expert are ep members apart.
  const std::int64_t member = at.dp * program.group(GroupKind::cp).size + at.cp;
  return share_of(elements, weight.update_parts, member / weight.dims.front().ep);
}

Buffer own_part(const StepProgram& program, const Coordinates& at, const Tensor& tensor,
                const Buffer& memory) {
  const Share share = optimizer_share(program, at, tensor);
  return memory.part(is_cut_by_zero(tensor) ? 0 : share.first, share.elements);
}

Share held_share(const StepProgram& program, const Coordinates& at, const Tensor& weight) {
  if (is_cut_by_zero(weight)) return optimizer_share(program, at, weight);
  return {.first = 0, .elements = whole_elements(weight)};
}

}  // namespace foreshard
