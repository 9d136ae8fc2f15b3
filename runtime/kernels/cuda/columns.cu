// Copies or adds columns of one matrix to columns of another; every number is read and written once.
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kColumnThreads = 256;

template <class X, class Y>
struct Columns {
  const X* x;  // the first column that is copied
  Y* y;
  std::int64_t x_width;
  std::int64_t y_width;
  std::int64_t rows;
  std::int64_t width;
  bool accumulate;
};

template <int N, class X, class Y>
__global__ void __launch_bounds__(kColumnThreads) copy_columns(Columns<X, Y> of) {
  const std::int64_t at = (std::int64_t{blockIdx.x} * kColumnThreads + threadIdx.x) * N;
  if (at >= of.rows * of.width) return;
  const std::int64_t row = at / of.width;
  const std::int64_t column = at % of.width;
  Floats<N> numbers = load<N>(of.x + row * of.x_width + column);
  Y* const to = of.y + row * of.y_width + column;
  if (of.accumulate) {
    const Floats<N> before = load<N>(to);
    for (int j = 0; j < N; ++j) numbers.at[j] += before.at[j];
  }
  store<N>(to, numbers);
}

}  // namespace

void run(Context& context, const ColumnsCall& call) {
  const std::int64_t elements = call.rows * call.width;
  if (elements == 0) return;
  bool packed = are_packed({call.x, call.y}, call.width);
  for (const std::int64_t each : {call.x_width, call.x_column, call.y_width, call.y_column})
    packed = packed && each % kPack == 0;
  with_numbers(call.x, [&](auto* x) {
    with_numbers(call.y, [&](auto* y) {
      using X = std::remove_pointer_t<decltype(x)>;
      using Y = std::remove_pointer_t<decltype(y)>;
      const Columns<X, Y> of{x + call.x_column, y + call.y_column, call.x_width,   call.y_width,
                             call.rows,         call.width,        call.accumulate};
      start(context, "columns", {blocks_for(elements, kColumnThreads * (packed ? kPack : 1)), kColumnThreads},
            packed ? copy_columns<kPack, X, Y> : copy_columns<1, X, Y>, of);
    });
  });
}

}  // namespace foreshard::cuda
