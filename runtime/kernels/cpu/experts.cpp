// Shapes and formulas: runtime/kernels/reference/experts.cpp. Routing is little work and is done as there;
// products are BLAS's, one run of rows after the other.
#include <algorithm>
#include <cstdint>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {

void run(Context& /*context*/, const RouteCall& call) { reference::run<float>(call); }

void run(Context& context, const PermuteCall& call) {
  share(context.pool, call.tokens, 16, [&](Range tokens) {
    // The tokens of a range touch rows of their own.
    PermuteCall part = call;
    part.tokens = tokens.size();
    const std::int64_t k = call.per_token;
    part.first_token = tokens.begin;
    part.token_rows = call.token_rows.part(tokens.begin * call.width, tokens.size() * call.width);
    part.routes = call.routes.part(tokens.begin * 2 * k, tokens.size() * 2 * k);
    if (!call.d_routes.empty())
      part.d_routes = call.d_routes.part(tokens.begin * 2 * k, tokens.size() * 2 * k);
    reference::run<float>(part);
  });
}

void run(Context& context, const GroupedGemmCall& call) {
  if (call.part == GroupedPart::weight_gradient && !call.accumulate)
    std::fill_n(as<float>(call.weight), call.weight.elements, 0.0F);
  for (const ExpertRun& expert : call.routed->runs) {
    if (expert.rows == 0) continue;
    const Buffer x = call.x.part(expert.first * call.in, expert.rows * call.in);
    const Buffer y = call.y.part(expert.first * call.out, expert.rows * call.out);
    const std::int64_t size = call.out * call.in;
    run(context, product_of(call, x, call.weight.part(expert.expert * size, size), y));
  }
}

}  // namespace foreshard::cpu
