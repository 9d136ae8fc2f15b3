// x (tokens, row_width)
#include "runtime/kernels/cpu/cpu_kernels.hpp"

namespace foreshard::cpu {

void run(Context& context, const RopeCall& call) {
  if (call.x.empty() || call.head_dim == 0) return;
  const float* turns = context.rope_tables.turns(call.sequence, call.head_dim, call.theta);
  share(context.pool, call.tokens, 8, [&](Range tokens) { context.loops.rope(call, turns, tokens); });
}

}  // namespace foreshard::cpu
