// C (m,n) = op(A) (m,k) · op(B) (k,n) [+ C] for bf16 factors, with fp32 products: blocks of A and B are
// converted to fp32, multiplied, and summed over the blocks of k in fp32; then the sums are rounded once into
// C.
//
// Example: m = 400, n = 1000, k = 1200 is split into rows 192 + 192 + 16, columns 512 + 488 and k 512 + 512 +
// 176. For the rows 192 … 383 and the columns 0 … 511:
//   sums  = A[192:384,    0:512 ] · B[   0:512,  0:512]
//   sums += A[192:384,  512:1024] · B[ 512:1024, 0:512]
//   sums += A[192:384, 1024:1200] · B[1024:1200, 0:512]
//   C[192:384, 0:512] = bf16(sums)
// Each thread computes whole panels of rows.
#include "runtime/kernels/cpu/bf16_blocks.hpp"

#include <algorithm>
#include <cstdint>

#include "runtime/kernels/cpu/blas.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

// The converted blocks and the sums take 1.75 MiB and stay in a second-level cache of 2 MiB. A converted
// number of B is used for kRows rows, a converted number of A for kColumns columns. The blocks depend on the
// shape only, so that results do not depend on the number of threads.
constexpr std::int64_t kRows = 192;
constexpr std::int64_t kColumns = 512;
constexpr std::int64_t kInner = 512;

/// One thread's blocks.
struct Blocks {
  static constexpr std::int64_t kSize = kRows * kInner + kInner * kColumns + kRows * kColumns;
  explicit Blocks(float* memory) : a(memory), b(a + kRows * kInner), sums(b + kInner * kColumns) {}
  float* a;
  float* b;
  float* sums;
};

/// A factor in memory: its rows are `stride` elements apart.
struct Stored {
  Buffer x;
  std::int64_t stride = 0;
  bool transposed = false;
};

/// Copies the block `rows` × `columns` of the factor to `to`, converted to fp32. A transposed factor stays
/// transposed.
Factor convert(const KernelSet& loops, const Stored& factor, Range rows, Range columns, float* to) {
  const Range outer = factor.transposed ? columns : rows;
  const Range inner = factor.transposed ? rows : columns;
  for (std::int64_t i = outer.begin; i < outer.end; ++i) {
    loops.copy(fp32_buffer(to + (i - outer.begin) * inner.size(), inner.size()),
               factor.x.part(i * factor.stride + inner.begin, inner.size()));
  }
  return {to, inner.size(), factor.transposed};
}

class BlockProduct {
 public:
  BlockProduct(const KernelSet& loops, const GemmCall& call, bool adds)
      : loops_(loops),
        call_(call),
        adds_(adds),
        a_{call.a, call.transpose_a ? call.m : call.k, call.transpose_a},
        b_{call.b, call.transpose_b ? call.k : call.n, call.transpose_b} {}

  void run(Range rows, const Blocks& blocks) const {
    for (std::int64_t row = rows.begin; row < rows.end; row += kRows) {
      for (std::int64_t column = 0; column < call_.n; column += kColumns) {
        run_block({row, std::min(row + kRows, rows.end)}, {column, std::min(column + kColumns, call_.n)},
                  blocks);
      }
    }
  }

 private:
  void run_block(Range rows, Range columns, const Blocks& blocks) const {
    for (std::int64_t at = 0; at < call_.k; at += kInner) {
      const Range inner{at, std::min(at + kInner, call_.k)};
      multiply({.m = rows.size(),
                .n = columns.size(),
                .k = inner.size(),
                .a = convert(loops_, a_, rows, inner, blocks.a),
                .b = convert(loops_, b_, inner, columns, blocks.b),
                .beta = at > 0 ? 1.0F : 0.0F,
                .c = blocks.sums,
                .stride = columns.size()});
    }
    if (call_.k == 0) std::fill_n(blocks.sums, rows.size() * columns.size(), 0.0F);
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const Buffer c = call_.c.part(row * call_.n + columns.begin, columns.size());
      const Buffer sums = fp32_buffer(blocks.sums + (row - rows.begin) * columns.size(), columns.size());
      adds_ ? loops_.add_to(c, sums) : loops_.copy(c, sums);
    }
  }

  const KernelSet& loops_;
  const GemmCall& call_;
  bool adds_;
  Stored a_;
  Stored b_;
};

}  // namespace

void multiply_in_blocks(Context& context, const GemmCall& call, bool adds) {
  float* memory = context.workspace.reserve<float>(context.pool.threads() * Blocks::kSize);
  const BlockProduct product(context.loops, call, adds);
  if (call.m <= kRows)
    return product.run({0, call.m}, Blocks(memory));  // too little work for several threads
  const int threads = context.pool.threads();
  context.pool.run([&](int thread) {
    const Range rows = part_of(call.m, kRows, thread, threads);
    if (rows.size() > 0) product.run(rows, Blocks(memory + thread * Blocks::kSize));
  });
}

}  // namespace foreshard::cpu
