// logits, d_logits (T,columns)   labels, max (T)   sums (T,2)   loss (1)
#include <cmath>
#include <cstdint>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

/// One number per token: too little work to vectorise. Summed in fp64, because it is the sum over a whole
/// micro-batch.
void sum_losses(const CrossEntropyCall& call) {
  const float* sums = as<const float>(call.sums);
  double loss = 0.0;
  for (std::int64_t t = 0; t < call.tokens; ++t) {
    loss += std::log(static_cast<double>(sums[2 * t])) - static_cast<double>(sums[2 * t + 1]);
  }
  as<float>(call.loss)[0] = static_cast<float>(loss * call.scale);
}

}  // namespace

void run(Context& context, const CrossEntropyCall& call) {
  const bool is_loss = call.part == CrossEntropyPart::loss;
  if (is_loss && !call.backward) return sum_losses(call);
  const KernelSet& loops = context.loops;
  const auto rows = is_loss ? loops.loss_backward
                            : (call.part == CrossEntropyPart::row_max ? loops.row_max : loops.exp_sum);
  share(context.pool, call.tokens, 1, [&](Range tokens) { rows(call, tokens); });
}

}  // namespace foreshard::cpu
