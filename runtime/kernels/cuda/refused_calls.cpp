#include <stdexcept>
#include <string>

#include "runtime/kernels/cuda/cuda_kernels.hpp"

namespace foreshard::cuda {

void run(Context& /*context*/, const SpreadAttentionCall& /*call*/) {
  throw std::invalid_argument(
      "the GPU has no attention whose queries and keys lie apart: context parallelism and latent attention "
      "run on the CPU");
}

void run(Context& /*context*/, const ColumnsCall& /*call*/) {
  throw std::invalid_argument(
      "the GPU has no kernel that packs columns: context parallelism runs on the CPU");
}

namespace {

[[noreturn]] void refuse_experts(const char* call) {
  throw std::invalid_argument(std::string("the GPU has no kernel for ") + call +
                              ": mixtures of experts run on the CPU");
}

}  // namespace

void run(Context& /*context*/, const RouteCall& /*call*/) { refuse_experts("the choice of experts"); }
void run(Context& /*context*/, const PermuteCall& /*call*/) { refuse_experts("rows ordered by expert"); }
void run(Context& /*context*/, const GroupedGemmCall& /*call*/) { refuse_experts("grouped products"); }

}  // namespace foreshard::cuda
