// gradient, master, m, v, weight (elements)   grad_norm (1) = ‖g‖²
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

UpdateFactors update_factors(const UpdateCall& call) {
  const OptimizerStep& step = *call.step;
  const double norm = std::sqrt(static_cast<double>(as<const float>(call.grad_norm)[0]));
  const double steps = static_cast<double>(step.step);
  return {.clip = norm > step.clip_norm ? static_cast<float>(step.clip_norm / norm) : 1.0F,
          .rate = static_cast<float>(step.learning_rate),
          .decay = call.kind == OptimizerKind::adamw ? static_cast<float>(step.weight_decay) : 0.0F,
          .beta1 = static_cast<float>(step.beta1),
          .beta2 = static_cast<float>(step.beta2),
          .unbias1 = static_cast<float>(1.0 / (1.0 - std::pow(step.beta1, steps))),
          .unbias2 = static_cast<float>(1.0 / (1.0 - std::pow(step.beta2, steps))),
          .epsilon = static_cast<float>(step.epsilon)};
}

}  // namespace

void run(Context& context, const UpdateCall& call) {
  const UpdateFactors factors = update_factors(call);
  share(context.pool, call.elements, 4096, [&](Range range) { context.loops.update(call, factors, range); });
}

}  // namespace foreshard::cpu
