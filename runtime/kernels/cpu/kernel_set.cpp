#include "runtime/kernels/cpu/vector/kernel_set.hpp"

namespace foreshard::cpu {

namespace baseline {
extern const KernelSet kKernels;
}
#ifdef FORESHARD_HAS_AVX2_KERNELS
namespace avx2 {
extern const KernelSet kKernels;
}
#endif

const KernelSet& kernel_set() {
#ifdef FORESHARD_HAS_AVX2_KERNELS
  // What the set is compiled for, no more.
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) return avx2::kKernels;
#endif
  return baseline::kKernels;
}

}  // namespace foreshard::cpu
