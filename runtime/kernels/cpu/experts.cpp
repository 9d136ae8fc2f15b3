// Shapes and formulas: runtime/kernels/reference/experts.cpp. Routing is little work and uses the reference
// kernel. Products run one run of rows after the other, in OpenBLAS; for bf16 in blocks converted to fp32.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/reference/reference_kernels.hpp"

namespace foreshard::cpu {

/// bf16 logits and their gradients are converted from and to fp32: a few numbers per token.
void run(Context& context, const RouteCall& call) {
  RouteCall in_fp32 = call;
  const auto replace = [&](Buffer RouteCall::*logits) {
    const std::int64_t elements = (call.*logits).elements;
    in_fp32.*logits = {reinterpret_cast<std::byte*>(context.workspace.reserve<float>(elements)), elements,
                       DType::fp32};
    const bool is_read = !call.backward || call.accumulate;
    if (is_read) context.loops.copy(in_fp32.*logits, call.*logits);
  };
  Buffer RouteCall::*logits = call.backward ? &RouteCall::d_logits : &RouteCall::logits;
  const bool converts = (call.*logits).type == DType::bf16;
  if (converts) replace(logits);
  reference::run<float>(in_fp32);
  if (converts && call.backward) context.loops.copy(call.d_logits, in_fp32.d_logits);
}

void run(Context& context, const PermuteCall& call) {
  expect_one_width("permute", {call.token_rows, call.expert_rows, call.d_expert_rows});
  // The tokens of different ranges write different rows.
  share(context.pool, call.tokens, 16, [&](Range tokens) { context.loops.permute(call, tokens); });
}

void run(Context& context, const GroupedGemmCall& call) {
  if (call.part == GroupedPart::weight_gradient && !call.accumulate)
    std::fill_n(call.weight.data, call.weight.bytes(), std::byte{0});
  for (const ExpertRun& expert : call.routed->runs) {
    if (expert.rows == 0) continue;
    const Buffer x = call.x.part(expert.first * call.in, expert.rows * call.in);
    const Buffer y = call.y.part(expert.first * call.out, expert.rows * call.out);
    run_varying(context, product_of(call, expert.expert, x, y));
  }
}

void run(Context& context, const GroupedBiasCall& call) {
  for (const ExpertRun& expert : call.routed->runs) {
    if (expert.rows > 0) run(context, sum_of(call, expert));
  }
}

}  // namespace foreshard::cpu
