// What the CPU device's kernels achieve on one thread: matrix products against the bare library, attention
// against its rate, everything else against the rate at which the machine copies; and each in bf16 against
// itself in fp32. Each is measured in turn with its measure. Prints figures; decides nothing.

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "runtime/device/bfloat16.hpp"
#include "runtime/device/cpu/cpu_device.hpp"
#include "runtime/kernels/cpu/blas.hpp"
#include "tests/bench/cpu_time.hpp"

using namespace foreshard;
using bench::Times;

namespace {

constexpr int kRepetitions = 15;

/// A device and buffers on it, filled with numbers that are neither zero nor subnormal.
class Bench {
 public:
  CpuDevice device{1};

  Buffer numbers(std::int64_t elements, DType type = DType::fp32) {
    memory_.push_back(device.allocate(elements * 4));
    const Buffer buffer{memory_.back()->data(), elements, type};
    for (std::int64_t i = 0; i < elements; ++i) {
      const float value = 0.01F * static_cast<float>(i % 89 + 1);
      if (type == DType::bf16) {
        reinterpret_cast<BFloat16*>(buffer.data)[i] = BFloat16(value);
      } else {
        reinterpret_cast<float*>(buffer.data)[i] = value;
      }
    }
    return buffer;
  }
  Buffer integers(std::int64_t elements, std::int32_t below) {
    memory_.push_back(device.allocate(elements * 4));
    const Buffer buffer{memory_.back()->data(), elements};
    auto* values = reinterpret_cast<std::int32_t*>(buffer.data);
    for (std::int64_t i = 0; i < elements; ++i) values[i] = static_cast<std::int32_t>(i * 7919 % below);
    return buffer;
  }

 private:
  std::vector<std::unique_ptr<DeviceMemory>> memory_;
};

/// The least of the times and the median, as rates.
void print(const char* what, double amount, const Times& times, const Times& measure, double measure_amount,
           const char* unit) {
  const double best = amount / times.least();
  const double best_measure = measure_amount / measure.least();
  std::printf("  %-34s %7.1f (median %6.1f) of %6.1f %s  %6.1f%% (median %.1f%%)\n", what, best * 1e-9,
              amount / times.median() * 1e-9, best_measure * 1e-9, unit, 100 * best / best_measure,
              100 * (amount / times.median()) / (measure_amount / measure.median()));
  std::fflush(stdout);
}

// ---- Products

void bench_gemm(const char* what, GemmCall call) {
  Bench bench;
  call.a = bench.numbers(call.m * call.k);
  call.b = bench.numbers(call.k * call.n);
  call.c = bench.numbers(call.m * call.n);
  const cpu::Product bare = {
      .m = call.m,
      .n = call.n,
      .k = call.k,
      .a = {reinterpret_cast<float*>(call.a.data), call.transpose_a ? call.m : call.k, call.transpose_a},
      .b = {reinterpret_cast<float*>(call.b.data), call.transpose_b ? call.k : call.n, call.transpose_b},
      .beta = call.accumulate ? 1.0F : 0.0F,
      .c = reinterpret_cast<float*>(call.c.data),
      .stride = call.n};
  Times kernel;
  Times library;
  bench::measure_in_turn(
      kRepetitions, [&] { bench.device.run(call); }, kernel, [&] { cpu::multiply(bare); }, library);
  const double flops = 2.0 * static_cast<double>(call.m * call.n * call.k);
  print(what, flops, kernel, library, flops, "GFLOP/s");
}

void bench_gemms() {
  std::printf("matrix products, against the bare library (tokens x out x in)\n");
  bench_gemm("forward 1024 x 5632 x 1024", {.m = 1024, .n = 5632, .k = 1024, .transpose_b = true});
  bench_gemm("forward 512 x 1536 x 1024", {.m = 512, .n = 1536, .k = 1024, .transpose_b = true});
  bench_gemm("backward-input 512 x 1536 x 1024", {.m = 512, .n = 1024, .k = 1536});
  bench_gemm("backward-weight 512 x 1536 x 1024",
             {.m = 1536, .n = 1024, .k = 512, .transpose_a = true, .accumulate = true});
}

// ---- Attention

void bench_attention(std::int64_t sequence, std::int64_t kv_heads, bool causal) {
  Bench bench;
  constexpr std::int64_t kHeads = 16;
  constexpr std::int64_t kHeadDim = 64;
  AttentionCall call = {.mask = {.causal = causal},
                        .sequence = sequence,
                        .heads = kHeads,
                        .kv_heads = kv_heads,
                        .head_dim = kHeadDim};
  call.qkv = bench.numbers(sequence * (kHeads + 2 * kv_heads) * kHeadDim);
  call.out = bench.numbers(sequence * kHeads * kHeadDim);
  call.lse = bench.numbers(sequence * kHeads);
  call.d_out = bench.numbers(sequence * kHeads * kHeadDim);
  call.d_qkv = bench.numbers(call.qkv.elements);
  AttentionCall backward = call;
  backward.backward = true;
  GemmCall product = {.m = 1024, .n = 1024, .k = 1024, .transpose_b = true};
  product.a = bench.numbers(1024 * 1024);
  product.b = bench.numbers(1024 * 1024);
  product.c = bench.numbers(1024 * 1024);
  const double square = static_cast<double>(sequence * sequence * kHeads * kHeadDim) * (causal ? 0.5 : 1.0);
  for (const AttentionCall* direction : {&call, &backward}) {
    Times kernel;
    Times library;
    bench::measure_in_turn(
        kRepetitions, [&] { bench.device.run(*direction); }, kernel, [&] { bench.device.run(product); },
        library);
    std::array<char, 64> what{};
    std::snprintf(what.data(), what.size(), "%s s %d, kv heads %d%s",
                  direction->backward ? "backward" : "forward", static_cast<int>(sequence),
                  static_cast<int>(kv_heads), causal ? ", causal" : "");
    print(what.data(), (direction->backward ? 10.0 : 4.0) * square, kernel, library, 2.0 * 1024 * 1024 * 1024,
          "GFLOP/s");
  }
}

// ---- Passes over memory

/// `passes` counts the numbers read and written per element.
void bench_pass(Bench& bench, const char* what, const KernelCall& call, std::int64_t elements,
                double passes) {
  constexpr std::int64_t kCopied = std::int64_t{16} << 20;
  static const Buffer from = bench.numbers(kCopied);
  static const Buffer to = bench.numbers(kCopied);
  Times kernel;
  Times copy;
  bench::measure_in_turn(
      kRepetitions, [&] { bench.device.run(call); }, kernel,
      [&] { std::memcpy(to.data, from.data, kCopied * sizeof(float)); }, copy);
  print(what, 4.0 * passes * static_cast<double>(elements), kernel, copy, 8.0 * kCopied, "GB/s");
}

constexpr std::int64_t kWidth = 1024;
constexpr std::int64_t kRows = std::int64_t{16} << 10;
constexpr std::int64_t kElements = kRows * kWidth;  // 64 MiB: beyond the caches

void bench_pointwise(Bench& bench, Buffer a, Buffer b, Buffer y, Buffer doubled, Buffer doubled_too) {
  const auto pass = [&](const char* what, const PointwiseCall& call, double passes) {
    bench_pass(bench, what, call, kElements, passes);
  };
  const Buffer row = bench.numbers(kWidth);
  const Buffer sum = bench.numbers(1);
  pass("add", {.kind = PointwiseKind::add, .elements = kElements, .a = a, .b = b, .y = y}, 3);
  pass("accumulate", {.kind = PointwiseKind::accumulate, .elements = kElements, .a = a, .y = y}, 3);
  pass("cast", {.kind = PointwiseKind::cast, .elements = kElements, .a = a, .y = y}, 2);
  pass("zero", {.kind = PointwiseKind::zero, .elements = kElements, .y = y}, 1);
  pass("sum_squares", {.kind = PointwiseKind::sum_squares, .elements = kElements, .a = a, .y = sum}, 1);
  pass("bias_gradient",
       {.kind = PointwiseKind::bias_gradient, .elements = kElements, .width = kWidth, .a = a, .y = row}, 1);
  pass("gelu", {.kind = PointwiseKind::gelu, .elements = kElements, .a = a, .y = y}, 2);
  pass("gelu backward",
       {.backward = true, .kind = PointwiseKind::gelu, .elements = kElements, .a = a, .b = b, .y = y}, 3);
  pass("swiglu",
       {.kind = PointwiseKind::swiglu, .elements = kElements, .width = kWidth, .a = doubled, .y = y}, 3);
  pass("swiglu backward",
       {.backward = true,
        .kind = PointwiseKind::swiglu,
        .elements = kElements,
        .width = kWidth,
        .a = doubled,
        .b = b,
        .y = doubled_too},
       5);
}

void bench_norms(Bench& bench, Buffer x, Buffer y, Buffer dy) {
  const Buffer weight = bench.numbers(kWidth);
  const Buffer d_weight = bench.numbers(kWidth);
  const Buffer stats = bench.numbers(kRows);
  bench_pass(bench, "rmsnorm",
             NormCall{.rows = kRows, .width = kWidth, .x = x, .weight = weight, .y = y, .stats = stats},
             kElements, 2);
  bench_pass(bench, "rmsnorm backward, with residual",
             NormCall{.backward = true,
                      .rows = kRows,
                      .width = kWidth,
                      .x = x,
                      .weight = weight,
                      .stats = stats,
                      .dy = dy,
                      .residual = y,
                      .dx = y,
                      .d_weight = d_weight},
             kElements, 4);
}

void bench_others(Bench& bench, Buffer a, Buffer b, Buffer c, Buffer d) {
  bench_pass(
      bench, "rope, 16 heads of 64",
      RopeCall{.tokens = kRows, .sequence = 512, .heads = 16, .head_dim = 64, .row_width = kWidth, .x = a},
      kElements, 2);
  constexpr std::int64_t kTokens = 2048;
  constexpr std::int64_t kVocab = kElements / kTokens;
  CrossEntropyCall call = {
      .part = CrossEntropyPart::row_max, .tokens = kTokens, .columns = kVocab, .vocab = kVocab};
  call.logits = b;
  call.labels = bench.integers(kTokens, static_cast<std::int32_t>(kVocab));
  call.max = bench.numbers(kTokens);
  call.sums = bench.numbers(2 * kTokens);
  call.d_logits = c;
  bench_pass(bench, "cross-entropy row_max", call, kElements, 1);
  call.part = CrossEntropyPart::exp_sum;
  bench_pass(bench, "cross-entropy exp_sum", call, kElements, 1);
  call.part = CrossEntropyPart::loss;
  call.backward = true;
  bench_pass(bench, "cross-entropy backward", call, kElements, 2);
  EmbeddingCall lookup = {.tokens = kRows, .width = kWidth, .rows = kRows};
  lookup.ids = bench.integers(kRows, kRows);
  lookup.table = b;
  lookup.y = c;
  bench_pass(bench, "embedding", lookup, kElements, 2);
  const OptimizerStep step;
  bench_pass(bench, "adamw",
             UpdateCall{.step = &step,
                        .elements = kElements,
                        .gradient = a,
                        .grad_norm = bench.numbers(1),
                        .m = b,
                        .v = c,
                        .weight = d},
             kElements, 7);
}

// ---- bf16 beside fp32

/// How many times as fast bf16 is. `call_in(type)` makes the call with its operands.
template <class MakeCall>
void compare_widths(const char* what, const MakeCall& call_in) {
  Bench bench;
  const KernelCall wide = call_in(bench, DType::fp32);
  const KernelCall narrow = call_in(bench, DType::bf16);
  Times fp32;
  Times bf16;
  bench::measure_in_turn(
      kRepetitions, [&] { bench.device.run(wide); }, fp32, [&] { bench.device.run(narrow); }, bf16);
  std::printf("  %-34s fp32 %8.3f ms  bf16 %8.3f ms  %5.2f times as fast (medians %5.2f)\n", what,
              1e3 * fp32.least(), 1e3 * bf16.least(), fp32.least() / bf16.least(),
              fp32.median() / bf16.median());
  std::fflush(stdout);
}

void compare_products() {
  const auto product = [](const char* what, const GemmCall& shape, bool sums_in_fp32) {
    compare_widths(what, [&](Bench& bench, DType type) {
      GemmCall call = shape;
      call.a = bench.numbers(call.m * call.k, type);
      call.b = bench.numbers(call.k * call.n, type);
      call.c = bench.numbers(call.m * call.n, sums_in_fp32 ? DType::fp32 : type);
      return call;
    });
  };
  product("forward 1024 x 5632 x 1024", {.m = 1024, .n = 5632, .k = 1024, .transpose_b = true}, false);
  product("forward 512 x 1536 x 1024", {.m = 512, .n = 1536, .k = 1024, .transpose_b = true}, false);
  product("backward-input 512 x 1536 x 1024", {.m = 512, .n = 1024, .k = 1536}, false);
  product("backward-weight 512 x 1536 x 1024",
          {.m = 1536, .n = 1024, .k = 512, .transpose_a = true, .accumulate = true}, true);
}

void compare_others() {
  for (const bool backward : {false, true}) {
    compare_widths(backward ? "attention backward, 512, causal" : "attention, 512, causal",
                   [&](Bench& bench, DType type) {
                     return AttentionCall{.backward = backward,
                                          .sequence = 512,
                                          .heads = 16,
                                          .kv_heads = 4,
                                          .head_dim = 64,
                                          .qkv = bench.numbers(512 * 24 * 64, type),
                                          .out = bench.numbers(512 * 16 * 64, type),
                                          .lse = bench.numbers(512 * 16),
                                          .d_out = bench.numbers(512 * 16 * 64, type),
                                          .d_qkv = bench.numbers(512 * 24 * 64, type)};
                   });
  }
  compare_widths("add", [](Bench& bench, DType type) {
    return PointwiseCall{.kind = PointwiseKind::add,
                         .elements = kElements,
                         .a = bench.numbers(kElements, type),
                         .b = bench.numbers(kElements, type),
                         .y = bench.numbers(kElements, type)};
  });
  compare_widths("swiglu", [](Bench& bench, DType type) {
    return PointwiseCall{.kind = PointwiseKind::swiglu,
                         .elements = kElements,
                         .width = kWidth,
                         .a = bench.numbers(2 * kElements, type),
                         .y = bench.numbers(kElements, type)};
  });
  compare_widths("rmsnorm", [](Bench& bench, DType type) {
    return NormCall{.rows = kRows,
                    .width = kWidth,
                    .x = bench.numbers(kElements, type),
                    .weight = bench.numbers(kWidth, type),
                    .y = bench.numbers(kElements, type),
                    .stats = bench.numbers(kRows)};
  });
  compare_widths("rope, 16 heads of 64", [](Bench& bench, DType type) {
    return RopeCall{.tokens = kRows,
                    .sequence = 512,
                    .heads = 16,
                    .head_dim = 64,
                    .row_width = kWidth,
                    .x = bench.numbers(kElements, type)};
  });
  static const OptimizerStep step;
  compare_widths("adamw, bf16 with fp32 masters", [](Bench& bench, DType type) {
    return UpdateCall{.step = &step,
                      .elements = kElements,
                      .gradient = bench.numbers(kElements),
                      .grad_norm = bench.numbers(1),
                      .master = type == DType::bf16 ? bench.numbers(kElements) : Buffer(),
                      .m = bench.numbers(kElements),
                      .v = bench.numbers(kElements),
                      .weight = bench.numbers(kElements, type)};
  });
}

}  // namespace

int main() {
  std::printf("%s\nbest of %d runs by the thread's own time, and medians\n", CpuDevice(1).name().c_str(),
              kRepetitions);
  bench_gemms();
  std::printf("bf16 beside fp32\n");
  compare_products();
  compare_others();
  std::printf("attention, 16 heads of 64, against a product of 1024 x 1024 x 1024\n");
  bench_attention(512, 16, true);
  bench_attention(512, 4, true);
  bench_attention(2048, 4, true);
  bench_attention(512, 16, false);
  std::printf("passes over 64 MiB and more, against memcpy; bytes as a kernel must read and write them\n");
  Bench bench;
  const Buffer a = bench.numbers(kElements);
  const Buffer b = bench.numbers(kElements);
  const Buffer c = bench.numbers(kElements);
  const Buffer doubled = bench.numbers(2 * kElements);
  const Buffer doubled_too = bench.numbers(2 * kElements);
  bench_pointwise(bench, a, b, c, doubled, doubled_too);
  bench_norms(bench, a, b, c);
  bench_others(bench, a, b, c, bench.numbers(kElements));
}
