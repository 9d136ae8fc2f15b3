// C (m,n) = op(A) (m,k) · op(B) (k,n) [+ C]: of each panel of rows and block of columns, Σ over blocks of k
// of fp32 products of converted blocks.
#include "runtime/kernels/cpu/bf16_blocks.hpp"

#include <algorithm>
#include <cstdint>

#include "runtime/kernels/cpu/blas.hpp"

namespace foreshard::cpu {
namespace {

// Both converted blocks and the sums stay in the second cache: 2 MiB together. A converted number of B meets
// kRows rows, one of A kColumns columns. Cut by the shape alone, so that results do not depend on the number
// of threads.
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

Buffer fp32(float* data, std::int64_t elements) {
  return {reinterpret_cast<std::byte*>(data), elements, DType::fp32};
}

/// A factor as it lies in memory: its rows are `stride` apart.
struct Stored {
  Buffer x;
  std::int64_t stride = 0;
  bool transposed = false;
};

/// Elements (row, column) … of the factor, `rows` by `columns`, in fp32 and as they lie.
Factor convert(const KernelSet& loops, const Stored& factor, Range rows, Range columns, float* to) {
  const Range outer = factor.transposed ? columns : rows;
  const Range inner = factor.transposed ? rows : columns;
  for (std::int64_t i = outer.begin; i < outer.end; ++i) {
    loops.copy(fp32(to + (i - outer.begin) * inner.size(), inner.size()),
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
      const Buffer sums = fp32(blocks.sums + (row - rows.begin) * columns.size(), columns.size());
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
  if (call.m <= kRows) return product.run({0, call.m}, Blocks(memory));  // not worth waking anybody
  const int threads = context.pool.threads();
  context.pool.run([&](int thread) {
    const Range rows = part_of(call.m, kRows, thread, threads);
    if (rows.size() > 0) product.run(rows, Blocks(memory + thread * Blocks::kSize));
  });
}

}  // namespace foreshard::cpu
