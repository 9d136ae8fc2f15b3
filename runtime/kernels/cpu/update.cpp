// gradient, master, m, v, weight (elements)   grad_norm (1) = ‖g‖²
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/device/moment_codes.hpp"
#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

CodeTable table_of(const MomentCodes& codes) {
  CodeTable table;
  std::transform(codes.numbers.begin(), codes.numbers.end(), table.numbers,
                 [](double number) { return static_cast<float>(number); });
  std::transform(codes.halfway.begin(), codes.halfway.end(), table.halfway,
                 [](double number) { return static_cast<float>(number); });
  return table;
}

bool decays(OptimizerKind kind) {
  return kind == OptimizerKind::adamw || kind == OptimizerKind::adamw_8bit || kind == OptimizerKind::lion ||
         kind == OptimizerKind::muon;
}

/// min(1, clip/‖g‖); 1 for a call without gradient.
float clip_of(const UpdateCall& call) {
  if (call.grad_norm.empty()) return 1.0F;
  const double norm = std::sqrt(static_cast<double>(as<const float>(call.grad_norm)[0]));
  return norm > call.step->clip_norm ? static_cast<float>(call.step->clip_norm / norm) : 1.0F;
}

UpdateFactors update_factors(const UpdateCall& call) {
  static const CodeTable first = table_of(moment_codes(true));
  static const CodeTable second = table_of(moment_codes(false));
  const OptimizerStep& step = *call.step;
  const double steps = static_cast<double>(step.step);
  return {.clip = clip_of(call),
          .rate = static_cast<float>(step.learning_rate),
          .decay = decays(call.kind) ? static_cast<float>(step.weight_decay) : 0.0F,
          .beta1 = static_cast<float>(step.beta1),
          .beta2 = static_cast<float>(step.beta2),
          .unbias1 = static_cast<float>(1.0 / (1.0 - std::pow(step.beta1, steps))),
          .unbias2 = static_cast<float>(1.0 / (1.0 - std::pow(step.beta2, steps))),
          .epsilon = static_cast<float>(step.epsilon),
          .momentum = static_cast<float>(step.momentum),
          .scale = static_cast<float>(call.scale),
          .rounding_seed = call.rounding.seed(step.step),
          .first = &first,
          .second = &second};
}

}  // namespace

void run(Context& context, const UpdateCall& call) {
  const UpdateFactors factors = update_factors(call);
  share(context.pool, call.elements, 4096, [&](Range range) { context.loops.update(call, factors, range); });
}

}  // namespace foreshard::cpu
