// Products of experts in cuBLASLt: one per expert, over its rows. The rows of one expert that came from
// several ranks are in several runs, one per rank. Short runs are gathered into contiguous rows first, and
// results are scattered back, because a product of few rows costs as much as reading its weight. Formulas:
// runtime/kernels/reference/experts.cpp.
//
// Example: 2 experts, rows from 2 ranks: expert 0 has the rows 0 … 9 and 30 … 34, expert 1 the rows 10 … 29
// and 35 … 40. For expert 0, rows 0 … 9 and 30 … 34 are copied to 15 contiguous rows, multiplied once, and
// the results copied back.
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"
#include "runtime/kernels/cuda/workspace_layout.hpp"

namespace foreshard::cuda {
namespace {

constexpr int kGroupedThreads = 256;

/// Runs of one expert that are gathered into contiguous rows: the parameter of the kernel that copies them.
struct Runs {
  static constexpr int kMost = 256;
  int count = 0;
  std::int32_t begin[kMost] = {};  ///< first contiguous row of each run
  std::int32_t first[kMost] = {};  ///< first routed row of each run
  std::int32_t rows = 0;           ///< rows of all runs

  void add(const ExpertRun& run) {
    begin[count] = rows;
    first[count] = static_cast<std::int32_t>(run.first);
    rows += static_cast<std::int32_t>(run.rows);
    ++count;
  }
  /// The routed row of a contiguous row.
  __device__ std::int64_t place_of(std::int32_t row) const {
    int run = 0;
    for (int step = kMost / 2; step > 0; step /= 2) {
      if (run + step < count && begin[run + step] <= row) run += step;
    }
    return first[run] + (row - begin[run]);
  }
};

/// One block per row.
template <int N, bool kBack, class T>
__global__ void __launch_bounds__(kGroupedThreads)
    move_rows(Runs runs, T* routed, T* gathered, std::int64_t width) {
  const auto row = static_cast<std::int32_t>(blockIdx.x);
  T* const one = routed + runs.place_of(row) * width;
  T* const other = gathered + std::int64_t{row} * width;
  T* const to = kBack ? one : other;
  const T* const from = kBack ? other : one;
  for (std::int64_t i = std::int64_t{threadIdx.x} * N; i < width; i += kGroupedThreads * N)
    store<N>(to + i, load<N>(from + i));
}

/// Copies routed rows to contiguous rows, or `back`.
void move(Context& context, const Runs& runs, const Buffer& routed, const Buffer& gathered,
          std::int64_t width, bool back) {
  const bool packed = are_packed({routed, gathered}, width);
  with_numbers(routed, [&](auto* rows) {
    using T = std::remove_pointer_t<decltype(rows)>;
    auto* kernel = back ? move_rows<1, true, T> : move_rows<1, false, T>;
    if (packed) kernel = back ? move_rows<kPack, true, T> : move_rows<kPack, false, T>;
    start(context, "rows of an expert", {static_cast<unsigned>(runs.rows), kGroupedThreads}, kernel, runs,
          rows, reinterpret_cast<T*>(gathered.data), width);
  });
}

class Grouped {
 public:
  Grouped(Context& context, const GroupedGemmCall& call) : context_(context), call_(call) {}

  void run() {
    const std::vector<ExpertRun>& runs = call_.routed->runs;
    if (static_cast<std::int64_t>(runs.size()) <= call_.experts) {  // one run per expert
      for (const ExpertRun& each : runs) run_alone(each);
      return;
    }
    for (std::int64_t expert = 0; expert < call_.experts; ++expert) run(expert);
  }

 private:
  /// A run with at least this many rows is multiplied on its own. Each product of a weight gradient reads and
  /// writes the whole gradient in fp32; the other products read the weight. Measured on an H200: gathered
  /// runs of 128 rows took half as long as separate products, gathered runs of 1024 rows of weight gradients
  /// two thirds. The exact break-even was not measured.
  [[nodiscard]] std::int64_t enough_rows() const {
    return call_.part == GroupedPart::weight_gradient ? 2048 : 512;
  }

  void run(std::int64_t expert) {
    Runs gathered;
    ExpertRun last;
    for (const ExpertRun& each : call_.routed->runs) {
      if (each.expert != expert || each.rows == 0) continue;
      if (each.rows >= enough_rows()) {
        run_alone(each);
        continue;
      }
      gathered.add(each);
      last = each;
      if (gathered.count == Runs::kMost) {
        run(expert, gathered);
        gathered = {};
      }
    }
    if (gathered.count == 1) return run_alone(last);
    if (gathered.count > 1) run(expert, gathered);
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
    cuda::run(context_, product_of(call_, expert, x, y));
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

void run(Context& context, const GroupedBiasCall& call) {
  for (const ExpertRun& expert : call.routed->runs) {
    if (expert.rows > 0) run(context, sum_of(call, expert));
  }
}

}  // namespace foreshard::cuda
