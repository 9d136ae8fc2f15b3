#include "runtime/kernels/cpu/cpu_kernels.hpp"

namespace foreshard::cpu {

Bf16Products best_bf16_products() {
  return onednn_multiplies_bf16() ? Bf16Products::onednn : Bf16Products::blocks;
}

Context::Context(int threads, const KernelSet& loops_of, Bf16Products products)
    : pool(threads),
      loops(loops_of),
      onednn(products == Bf16Products::onednn ? std::make_unique<OnednnProducts>(pool) : nullptr) {}

}  // namespace foreshard::cpu
