#include "planner/fit/kernel_family.hpp"

#include <algorithm>

#include "planner/cost/memory/memory_pass.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard {

KernelFamily family_of(const Op& op) {
  const MemoryPass pass = memory_pass_of(op);
  return {.pass = pass, .backward = pass != MemoryPass::gemm && is_backward(op.phase)};
}

std::string to_string(const KernelFamily& family) {
  if (family.is_product()) return "matrix products";
  std::string name(word_of(family.pass));
  std::replace(name.begin(), name.end(), '_', ' ');
  return family.backward ? name + " backward" : name;
}

}  // namespace foreshard
