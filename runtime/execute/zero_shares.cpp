#include "runtime/execute/zero_shares.hpp"

#include <algorithm>

namespace foreshard {

std::int64_t replicas_of(const StepProgram& program, const Tensor& weight) {
  return program.group(weight.is_of_routed_experts() ? GroupKind::expert_dp : GroupKind::dp_cp).size;
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
  if (weight.is_of_routed_experts()) {
    const DeviceMesh mesh = mesh_of(program);
    return share_of(elements, weight.update_parts,
                    mesh.expert_coordinates(mesh.rank(at)).edp % weight.update_parts);
  }
  const std::int64_t replica = at.dp * program.group(GroupKind::cp).size + at.cp;
  return share_of(elements, weight.update_parts, replica % weight.update_parts);
}

Buffer copied_part(const StepProgram& program, const Coordinates& at, const Tensor& gradient,
                   const Buffer& memory) {
  if (is_cut_by_zero(gradient)) return memory;
  const std::int64_t elements = whole_elements(gradient);
  const std::int64_t largest = ceil_divide(elements, gradient.update_parts);
  const std::int64_t first = optimizer_share(program, at, gradient).first;
  return memory.part(std::min(first, elements - largest), largest);
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
