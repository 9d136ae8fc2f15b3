// Products of experts: one each, by cuBLASLt, over the rows that came to it. Rows that came from several
// ranks stand apart, in runs by rank. Where runs are short, they are brought together first and their results
// back: a product of few rows waits for its weight. Formulas: runtime/kernels/reference/experts.cpp.
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"
#include "runtime/kernels/cuda/workspace_layout.hpp"

namespace foreshard::cuda {
namespace {

constexpr int kThreads = 256;

/// Runs of one expert, and where each begins when they stand together: what a kernel takes as a parameter.
struct Runs {
  static constexpr int kMost = 256;
  int count = 0;
  std::int32_t begin[kMost] = {};  ///< among the rows that stand together
  std::int32_t first[kMost] = {};  ///< among the routed ones
  std::int32_t rows = 0;           ///< of all

  void add(const ExpertRun& run) {
    begin[count] = rows;
    first[count] = static_cast<std::int32_t>(run.first);
    rows += static_cast<std::int32_t>(run.rows);
    ++count;
  }
  /// The place among the routed of a row that stands with the others.
  __device__ std::int64_t place_of(std::int32_t row) const {
    int run = 0;
    for (int step = kMost / 2; step > 0; step /= 2) {
      if (run + step < count && begin[run + step] <= row) run += step;
    }
    return first[run] + (row - begin[run]);
  }
};

/// A block per row.
template <int N, bool kApart, class T>
__global__ void __launch_bounds__(kThreads) move_rows(Runs runs, T* apart, T* together, std::int64_t width) {
  const auto row = static_cast<std::int32_t>(blockIdx.x);
  T* const one = apart + runs.place_of(row) * width;
  T* const other = together + std::int64_t{row} * width;
  T* const to = kApart ? one : other;
  const T* const from = kApart ? other : one;
  for (std::int64_t i = std::int64_t{threadIdx.x} * N; i < width; i += kThreads * N)
    store<N>(to + i, load<N>(from + i));
}

/// Between the rows where they came and rows that stand together.
void move(Context& context, const Runs& runs, const Buffer& apart, const Buffer& together, std::int64_t width,
          bool back) {
  const bool packed = are_packed({apart, together}, width);
  with_numbers(apart, [&](auto* rows) {
    using T = std::remove_pointer_t<decltype(rows)>;
    auto* kernel = back ? move_rows<1, true, T> : move_rows<1, false, T>;
    if (packed) kernel = back ? move_rows<kPack, true, T> : move_rows<kPack, false, T>;
    start(context, "rows of an expert", {static_cast<unsigned>(runs.rows), kThreads}, kernel, runs, rows,
          reinterpret_cast<T*>(together.data), width);
  });
}

class Grouped {
 public:
  Grouped(Context& context, const GroupedGemmCall& call) : context_(context), call_(call) {}

  void run() {
    const std::vector<ExpertRun>& runs = call_.routed->runs;
    if (static_cast<std::int64_t>(runs.size()) <= call_.experts) {  // one each
      for (const ExpertRun& each : runs) run_alone(each);
      return;
    }
    for (std::int64_t expert = 0; expert < call_.experts; ++expert) run(expert);
  }

 private:
  /// Rows of a run from which on its own product is taken for the quicker way: that of a weight's gradient
  /// reads and writes the whole gradient in fp32 each time, the others read the weight. On an H200, together,
  /// runs of 128 rows took half of what they took alone, and weight gradients of runs of 1024 rows two
  /// thirds; where exactly it turns was not measured.
  [[nodiscard]] std::int64_t enough_rows() const {
    return call_.part == GroupedPart::weight_gradient ? 2048 : 512;
  }

  void run(std::int64_t expert) {
    Runs together;
    ExpertRun last;
    for (const ExpertRun& each : call_.routed->runs) {
      if (each.expert != expert || each.rows == 0) continue;
      if (each.rows >= enough_rows()) {
        run_alone(each);
        continue;
      }
      together.add(each);
      last = each;
      if (together.count == Runs::kMost) {
        run(expert, together);
        together = {};
      }
    }
    if (together.count == 1) return run_alone(last);
    if (together.count > 1) run(expert, together);
  }

  void run_alone(const ExpertRun& run) {
    if (run.rows == 0) return;
    multiply(run.expert, call_.x.part(run.first * call_.in, run.rows * call_.in),
             call_.y.part(run.first * call_.out, run.rows * call_.out));
  }

  void run(std::int64_t expert, const Runs& runs) {
    WorkspaceLayout layout;
    const std::int64_t x_at = layout.place(bytes_of(call_.x.type, runs.rows * call_.in).value());
    const std::int64_t y_at = layout.place(bytes_of(call_.y.type, runs.rows * call_.out).value());
    std::byte* const memory = context_.workspace(layout.bytes());
    const Buffer x{memory + x_at, runs.rows * call_.in, call_.x.type};
    const Buffer y{memory + y_at, runs.rows * call_.out, call_.y.type};
    const bool to_x = call_.part == GroupedPart::input_gradient;
    const bool to_y = call_.part == GroupedPart::forward;
    if (!to_x || call_.accumulate) move(context_, runs, call_.x, x, call_.in, false);
    if (!to_y) move(context_, runs, call_.y, y, call_.out, false);
    multiply(expert, x, y);
    if (to_x) move(context_, runs, call_.x, x, call_.in, true);
    if (to_y) move(context_, runs, call_.y, y, call_.out, true);
  }

  void multiply(std::int64_t expert, const Buffer& x, const Buffer& y) {
    const std::int64_t size = call_.out * call_.in;
    cuda::run(context_, product_of(call_, x, call_.weight.part(expert * size, size), y));
  }

  Context& context_;
  const GroupedGemmCall& call_;
};

}  // namespace

void run(Context& context, const GroupedGemmCall& call) {
  if (call.part == GroupedPart::weight_gradient && !call.accumulate)
    check_cuda(
        cudaMemsetAsync(call.weight.data, 0, static_cast<std::size_t>(call.weight.bytes()), context.stream()),
        "cudaMemsetAsync");
  Grouped(context, call).run();
}

}  // namespace foreshard::cuda
