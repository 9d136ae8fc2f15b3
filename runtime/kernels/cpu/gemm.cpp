// C (m,n) = op(A) (m,k) · op(B) (k,n) [+ C] [+ bias (n)], row-major
#include <cstdint>
#include <stdexcept>

#include <fmt/format.h>

#include "planner/spec/types/names.hpp"
#include "runtime/kernels/cpu/bf16_blocks.hpp"
#include "runtime/kernels/cpu/blas.hpp"
#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

/// The rows of C are split between threads in multiples of this. It is a multiple of every tile height that
/// matrix libraries use, so that each element is computed in the same way for any number of threads. The
/// columns are not split, because OpenBLAS's blocking depends on their number.
constexpr std::int64_t kRowPanel = 48;

/// The whole product of a call. If there is a bias, C already holds it.
Product whole_product(const GemmCall& call) {
  return {.m = call.m,
          .n = call.n,
          .k = call.k,
          .alpha = 1.0F,
          .a = {as<const float>(call.a), call.transpose_a ? call.m : call.k, call.transpose_a},
          .b = {as<const float>(call.b), call.transpose_b ? call.k : call.n, call.transpose_b},
          .beta = call.accumulate || !call.bias.empty() ? 1.0F : 0.0F,
          .c = as<float>(call.c),
          .stride = call.n};
}

Product rows_of(Product whole, Range rows) {
  whole.m = rows.size();
  whole.a.data += whole.a.transposed ? rows.begin : rows.begin * whole.a.stride;
  whole.c += rows.begin * whole.stride;
  return whole;
}

/// C = bias, or C += bias, in every row. The product is then added.
void put_bias(Context& context, const GemmCall& call) {
  share(context.pool, call.m, 16, [&](Range rows) {
    for (std::int64_t i = rows.begin; i < rows.end; ++i) {
      const Buffer c = call.c.part(i * call.n, call.n);
      call.accumulate ? context.loops.add_to(c, call.bias) : context.loops.copy(c, call.bias);
    }
  });
}

/// Whether the product is one of bf16 matrices. Allowed dtypes of a, b → c: fp32, fp32 → fp32; bf16, bf16 →
/// bf16 or fp32.
bool are_bf16(const GemmCall& call) {
  const bool agree = call.a.type == call.b.type && (call.a.type == DType::bf16 || call.c.type == DType::fp32);
  if (!agree && call.k > 0) {
    throw std::invalid_argument(fmt::format("gemm: a CPU does not multiply {} by {} into {}",
                                            word_of(call.a.type), word_of(call.b.type),
                                            word_of(call.c.type)));
  }
  return call.c.type == DType::bf16 || call.a.type == DType::bf16;
}

/// @param onednn  multiplies bf16 matrices; null: blocks are converted to fp32
void run_with(Context& context, const GemmCall& call, OnednnProducts* onednn) {
  if (call.c.empty()) return;
  if (!call.bias.empty()) put_bias(context, call);
  if (are_bf16(call)) {
    const bool adds = call.accumulate || !call.bias.empty();
    onednn != nullptr&& call.k > 0 ? onednn->multiply(call, adds) : multiply_in_blocks(context, call, adds);
    return;
  }
  const Product whole = whole_product(call);
  share(context.pool, call.m, kRowPanel, [&](Range rows) { multiply(rows_of(whole, rows)); });
}

}  // namespace

void run(Context& context, const GemmCall& call) { run_with(context, call, context.onednn.get()); }

void run_varying(Context& context, const GemmCall& call) { run_with(context, call, nullptr); }

}  // namespace foreshard::cpu
