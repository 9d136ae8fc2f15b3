// x, y, dy, dx (elements)   gate, d_gate (elements / width)
#include <cstdint>

#include "runtime/kernels/cpu/cpu_kernels.hpp"

namespace foreshard::cpu {

void run(Context& context, const GateCall& call) {
  if (call.elements == 0) return;
  constexpr std::int64_t kElementsPerShare = std::int64_t{16} * 1024;  // 64 KiB of fp32
  expect_one_width("output gate", {call.gate, call.x, call.y, call.dy, call.d_gate, call.dx});
  share(context.pool, call.gate.elements, 1 + kElementsPerShare / call.width,
        [&](Range gates) { context.loops.output_gate(call, gates); });
}

}  // namespace foreshard::cpu
