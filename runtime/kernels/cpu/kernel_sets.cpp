#include "runtime/kernels/cpu/kernel_sets.hpp"

namespace foreshard::cpu {

namespace baseline {
extern const KernelSet kKernels;
}
#ifdef FORESHARD_HAS_AVX2_KERNELS
namespace avx2 {
extern const KernelSet kKernels;
}
#endif

std::vector<const KernelSet*> kernel_sets() {
  std::vector<const KernelSet*> sets;
#ifdef FORESHARD_HAS_AVX2_KERNELS
  // Exactly the instructions for which the set is compiled.
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0)
    sets.push_back(&avx2::kKernels);
#endif
  sets.push_back(&baseline::kKernels);
  return sets;
}

}  // namespace foreshard::cpu
