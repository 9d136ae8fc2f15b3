// What a GPU makes of the kernels: memory-bound ones beside a copy, products and attention by their rates,
// and the two halves of a Llama 3 layer at the shapes of tensor-parallel shards. bf16, 8192 tokens.
// `torch_layer_bench.py` beside this times the same layers in PyTorch.
//
//   cuda_bench [RESULTS.json]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/device/cuda/cuda_check.hpp"
#include "runtime/device/cuda/cuda_device.hpp"

using namespace foreshard;

namespace {

constexpr std::int64_t kTokens = 8192;

class Bench {
 public:
  explicit Bench(CudaDevice& device) : device_(device), clock_(device.make_clock(2 * kRepeats)) {}

  /// Random numbers of [−1, 1), the same block again and again: what is timed does not look at them.
  Buffer buffer(std::int64_t elements, DType type = DType::bf16) {
    memory_.push_back(device_.allocate(bytes_of(type, elements).value()));
    const Buffer made{memory_.back()->data(), elements, type};
    constexpr std::int64_t kBlock = std::int64_t{1} << 20;
    if (type == DType::int32) {
      std::vector<double> ids(static_cast<std::size_t>(elements));
      for (double& id : ids) id = static_cast<double>(draw_() % 100'000);
      device_.write(made, ids.data());
      return made;
    }
    std::vector<double> numbers(static_cast<std::size_t>(std::min(elements, kBlock)));
    for (double& number : numbers) number = static_cast<double>(draw_()) / 2147483648.0 - 1.0;
    const Buffer block = made.part(0, std::min(kBlock, elements));
    device_.write(block, numbers.data());
    for (std::int64_t at = kBlock; at < elements; at += kBlock) {
      const Buffer next = made.part(at, std::min(kBlock, elements - at));
      device_.run(PointwiseCall{.kind = PointwiseKind::cast,
                                .elements = next.elements,
                                .a = block.part(0, next.elements),
                                .y = next});
    }
    return made;
  }
  void free_all() { memory_.clear(); }

  /// Median of repeated runs, in seconds.
  double time(const std::function<void()>& work) {
    for (int i = 0; i < 3; ++i) work();
    for (std::size_t i = 0; i < kRepeats; ++i) {
      clock_->mark(2 * i);
      work();
      clock_->mark(2 * i + 1);
    }
    device_.finish();
    std::vector<double> times;
    for (std::size_t i = 0; i < kRepeats; ++i)
      times.push_back(1e-9 *
                      static_cast<double>(clock_->nanoseconds(2 * i + 1) - clock_->nanoseconds(2 * i)));
    std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
    return times[kRepeats / 2];
  }
  double time(const std::vector<KernelCall>& calls) {
    return time([&] {
      for (const KernelCall& call : calls) device_.run(call);
    });
  }

  CudaDevice& device() { return device_; }

 private:
  static constexpr std::size_t kRepeats = 15;
  CudaDevice& device_;
  std::unique_ptr<DeviceClock> clock_;
  std::mt19937 draw_{1};
  std::vector<std::unique_ptr<DeviceMemory>> memory_;
};

nlohmann::json results = nlohmann::json::object();

void say(const std::string& name, double seconds, const std::string& figure) {
  std::printf("%-44s %9.3f ms  %s\n", name.c_str(), 1e3 * seconds, figure.c_str());
  results["times_s"][name] = seconds;
}

double copy_rate(Bench& bench) {
  constexpr std::int64_t kBytes = std::int64_t{1} << 30;
  const Buffer from = bench.buffer(kBytes / 2);
  const Buffer to = bench.buffer(kBytes / 2);
  const double seconds = bench.time([&] {
    check_cuda(cudaMemcpyAsync(to.data, from.data, kBytes, cudaMemcpyDeviceToDevice, bench.device().stream()),
               "cudaMemcpyAsync");
  });
  const double rate = 2.0 * static_cast<double>(kBytes) / seconds;
  say("device copy of 1 GiB", seconds, fmt::format("{:.2f} TB/s read and written", 1e-12 * rate));
  bench.free_all();
  return rate;
}

void memory_bound(Bench& bench, double copy) {
  const auto report = [&](const std::string& name, double bytes, const KernelCall& call) {
    const double seconds = bench.time(std::vector<KernelCall>{call});
    const double share = bytes / seconds / copy;
    say(name, seconds, fmt::format("{:.0f}% of the copy's rate", 100.0 * share));
    results["share_of_copy"][name] = share;
  };
  for (const std::int64_t width : {4096, 8192}) {
    const double row = static_cast<double>(kTokens * width);
    const Buffer x = bench.buffer(kTokens * width);
    const Buffer y = bench.buffer(kTokens * width);
    const Buffer dy = bench.buffer(kTokens * width);
    const Buffer weight = bench.buffer(width);
    const Buffer d_weight = bench.buffer(width, DType::fp32);
    const Buffer stats = bench.buffer(kTokens, DType::fp32);
    NormCall norm{.rows = kTokens, .width = width, .x = x, .weight = weight, .y = y, .stats = stats};
    report(fmt::format("rmsnorm {} forward", width), 4.0 * row, norm);
    norm.backward = true;
    norm.dy = dy;
    norm.residual = dy;
    norm.dx = y;
    norm.d_weight = d_weight;
    report(fmt::format("rmsnorm {} backward", width), 8.0 * row, norm);
    report(fmt::format("add {}", width), 6.0 * row,
           PointwiseCall{.kind = PointwiseKind::add, .elements = kTokens * width, .a = x, .b = dy, .y = y});
    bench.free_all();
  }
  for (const std::int64_t width : {14336, 28672}) {
    const double row = static_cast<double>(kTokens * width);
    const Buffer x = bench.buffer(2 * kTokens * width);
    const Buffer y = bench.buffer(kTokens * width);
    const Buffer dx = bench.buffer(2 * kTokens * width);
    PointwiseCall swiglu{
        .kind = PointwiseKind::swiglu, .elements = kTokens * width, .width = width, .a = x, .y = y};
    report(fmt::format("swiglu {} forward", width), 6.0 * row, swiglu);
    swiglu.backward = true;
    swiglu.b = y;
    swiglu.y = dx;
    report(fmt::format("swiglu {} backward", width), 10.0 * row, swiglu);
    swiglu.kind = PointwiseKind::geglu;
    report(fmt::format("geglu {} backward", width), 10.0 * row, swiglu);
    bench.free_all();
  }
  {
    constexpr std::int64_t kWidth = 48 * 128;
    const Buffer x = bench.buffer(kTokens * kWidth);
    report("rope of 40 heads of 128", 4.0 * static_cast<double>(kTokens * 40 * 128),
           RopeCall{.tokens = kTokens,
                    .sequence = kTokens,
                    .heads = 40,
                    .head_dim = 128,
                    .row_width = kWidth,
                    .theta = 500000.0,
                    .x = x});
    bench.free_all();
  }
  {
    constexpr std::int64_t kVocab = 128256;
    constexpr std::int64_t kRows = 4096;
    const double logits_read = 4.0 * static_cast<double>(kRows * kVocab);
    const Buffer ids = bench.buffer(kRows, DType::int32);
    const Buffer max = bench.buffer(kRows, DType::fp32);
    const Buffer sums = bench.buffer(2 * kRows, DType::fp32);
    const Buffer logits16 = bench.buffer(kRows * kVocab);
    const Buffer logits = bench.buffer(kRows * kVocab, DType::fp32);
    report(
        "cast of logits to fp32", 1.5 * logits_read,
        PointwiseCall{.kind = PointwiseKind::cast, .elements = kRows * kVocab, .a = logits16, .y = logits});
    CrossEntropyCall loss{.part = CrossEntropyPart::row_max,
                          .tokens = kRows,
                          .columns = kVocab,
                          .vocab = kVocab,
                          .logits = logits,
                          .labels = ids,
                          .max = max,
                          .sums = sums,
                          .d_logits = logits16};
    report("cross-entropy maximum", logits_read, loss);
    loss.part = CrossEntropyPart::exp_sum;
    report("cross-entropy sum", logits_read, loss);
    loss.part = CrossEntropyPart::loss;
    loss.backward = true;
    report("cross-entropy backward", 1.5 * logits_read, loss);
    bench.free_all();
  }
  {
    constexpr std::int64_t kWeights = std::int64_t{1} << 28;
    static OptimizerStep step;
    const auto fp32 = [&] { return bench.buffer(kWeights, DType::fp32); };
    const Buffer gradient = fp32();
    report("AdamW, masters, bf16 weights", 30.0 * static_cast<double>(kWeights),
           UpdateCall{.step = &step,
                      .elements = kWeights,
                      .gradient = gradient,
                      .grad_norm = bench.buffer(1, DType::fp32),
                      .master = fp32(),
                      .m = fp32(),
                      .v = fp32(),
                      .weight = bench.buffer(kWeights)});
    report("sum of squares", 4.0 * static_cast<double>(kWeights),
           PointwiseCall{.kind = PointwiseKind::sum_squares,
                         .elements = kWeights,
                         .a = gradient,
                         .y = bench.buffer(1, DType::fp32)});
    bench.free_all();
  }
  {
    constexpr std::int64_t kRows = 128256;
    constexpr std::int64_t kWidth = 4096;
    const Buffer ids = bench.buffer(kTokens, DType::int32);
    EmbeddingCall embedding{.tokens = kTokens, .width = kWidth, .rows = kRows, .ids = ids};
    embedding.table = bench.buffer(kRows * kWidth);
    embedding.y = bench.buffer(kTokens * kWidth);
    const double row = static_cast<double>(kTokens * kWidth);
    report("embedding forward", 4.0 * row, embedding);
    embedding.backward = true;
    embedding.dy = embedding.y;
    embedding.d_table = bench.buffer(kRows * kWidth, DType::fp32);
    report("embedding backward", 10.0 * row, embedding);
    bench.free_all();
  }
}

struct Model {
  const char* name;
  std::int64_t hidden, ffn, heads, kv_heads;
};
constexpr Model k8B{"8B", 4096, 14336, 32, 8};
constexpr Model k70B{"70B", 8192, 28672, 64, 8};

GemmCall product(Bench& bench, const Buffer& a, const Buffer& b, std::int64_t m, std::int64_t n,
                 std::int64_t k, bool transpose_a, bool transpose_b) {
  return {.m = m,
          .n = n,
          .k = k,
          .transpose_a = transpose_a,
          .transpose_b = transpose_b,
          .a = a,
          .b = b,
          .c = bench.buffer(m * n)};
}

/// y = x·wᵀ, dx = dy·w, dw = dyᵀ·x: what a linear layer runs.
struct Linear {
  GemmCall forward;
  GemmCall to_input;
  GemmCall to_weight;
};
Linear linear(Bench& bench, const Buffer& x, const Buffer& dy, std::int64_t in, std::int64_t out) {
  const Buffer w = bench.buffer(in * out);
  return {product(bench, x, w, kTokens, out, in, false, true),
          product(bench, dy, w, kTokens, in, out, false, false),
          product(bench, dy, x, out, in, kTokens, true, false)};
}

void report_rate(Bench& bench, const std::string& name, double flops, const std::vector<KernelCall>& calls) {
  const double seconds = bench.time(calls);
  say(name, seconds, fmt::format("{:.0f} TFLOP/s", 1e-12 * flops / seconds));
}

void ffn_layer(Bench& bench, const Model& model, std::int64_t tp) {
  const std::int64_t ffn = model.ffn / tp;
  const std::int64_t hidden = model.hidden;
  const Buffer x = bench.buffer(kTokens * hidden);
  const Buffer dy = bench.buffer(kTokens * hidden);
  const Buffer stats = bench.buffer(kTokens, DType::fp32);
  NormCall norm{.rows = kTokens, .width = hidden, .x = x, .weight = bench.buffer(hidden)};
  norm.y = bench.buffer(kTokens * hidden);
  norm.stats = stats;
  const Buffer d_gate_up = bench.buffer(2 * kTokens * ffn);
  const Linear up = linear(bench, norm.y, d_gate_up, hidden, 2 * ffn);
  const Buffer act = bench.buffer(kTokens * ffn);
  const Linear down = linear(bench, act, dy, ffn, hidden);
  PointwiseCall swiglu{
      .kind = PointwiseKind::swiglu, .elements = kTokens * ffn, .width = ffn, .a = up.forward.c, .y = act};
  PointwiseCall swiglu_back = swiglu;
  swiglu_back.backward = true;
  swiglu_back.b = down.to_input.c;
  swiglu_back.y = d_gate_up;
  NormCall norm_back = norm;
  norm_back.backward = true;
  norm_back.dy = up.to_input.c;
  norm_back.residual = dy;
  norm_back.dx = bench.buffer(kTokens * hidden);
  norm_back.d_weight = bench.buffer(hidden, DType::fp32);
  const PointwiseCall residual{.kind = PointwiseKind::add,
                               .elements = kTokens * hidden,
                               .a = x,
                               .b = down.forward.c,
                               .y = norm_back.dx};
  const double flops = 3.0 * 2.0 * static_cast<double>(kTokens * hidden * 3 * ffn);
  report_rate(bench, fmt::format("ffn {} tp {}", model.name, tp), flops,
              {norm, up.forward, swiglu, down.forward, residual, down.to_input, down.to_weight, swiglu_back,
               up.to_input, up.to_weight, norm_back});
  bench.free_all();
}

void attention_layer(Bench& bench, const Model& model, std::int64_t tp) {
  constexpr std::int64_t kDim = 128;
  const std::int64_t heads = model.heads / tp;
  const std::int64_t kv_heads = model.kv_heads / tp;
  const std::int64_t hidden = model.hidden;
  const std::int64_t width = (heads + 2 * kv_heads) * kDim;
  const Buffer x = bench.buffer(kTokens * hidden);
  const Buffer dy = bench.buffer(kTokens * hidden);
  NormCall norm{.rows = kTokens, .width = hidden, .x = x, .weight = bench.buffer(hidden)};
  norm.y = bench.buffer(kTokens * hidden);
  norm.stats = bench.buffer(kTokens, DType::fp32);
  const Buffer d_qkv = bench.buffer(kTokens * width);
  const Linear qkv = linear(bench, norm.y, d_qkv, hidden, width);
  RopeCall rope{.tokens = kTokens,
                .sequence = kTokens,
                .heads = heads + kv_heads,
                .head_dim = kDim,
                .row_width = width,
                .theta = 500000.0,
                .x = qkv.forward.c};
  AttentionCall core{.batch = 1, .sequence = kTokens, .heads = heads, .kv_heads = kv_heads, .head_dim = kDim};
  core.qkv = qkv.forward.c;
  core.out = bench.buffer(kTokens * heads * kDim);
  core.lse = bench.buffer(kTokens * heads, DType::fp32);
  const Linear out = linear(bench, core.out, dy, heads * kDim, hidden);
  AttentionCall core_back = core;
  core_back.backward = true;
  core_back.d_out = out.to_input.c;
  core_back.d_qkv = d_qkv;
  RopeCall rope_back = rope;
  rope_back.inverse = true;
  rope_back.x = d_qkv;
  NormCall norm_back = norm;
  norm_back.backward = true;
  norm_back.dy = qkv.to_input.c;
  norm_back.residual = dy;
  norm_back.dx = bench.buffer(kTokens * hidden);
  norm_back.d_weight = bench.buffer(hidden, DType::fp32);
  const PointwiseCall residual{.kind = PointwiseKind::add,
                               .elements = kTokens * hidden,
                               .a = x,
                               .b = out.forward.c,
                               .y = norm_back.dx};
  // Half of the square is hidden; backward has five products for forward's two.
  const double square = static_cast<double>(kTokens) * static_cast<double>(kTokens * heads * kDim);
  report_rate(bench, fmt::format("attention core {} tp {} forward", model.name, tp), 2.0 * square, {core});
  report_rate(bench, fmt::format("attention core {} tp {} backward", model.name, tp), 5.0 * square,
              {core_back});
  const double flops = 7.0 * square + 3.0 * 2.0 * static_cast<double>(kTokens * hidden) *
                                          static_cast<double>(width + heads * kDim);
  report_rate(bench, fmt::format("attention {} tp {}", model.name, tp), flops,
              {norm, qkv.forward, rope, core, out.forward, residual, out.to_input, out.to_weight, core_back,
               rope_back, qkv.to_input, qkv.to_weight, norm_back});
  bench.free_all();
}

void products(Bench& bench, const Model& model) {
  for (const std::int64_t tp : {1, 2, 4, 8}) {
    const std::int64_t out = 2 * model.ffn / tp;
    const Buffer x = bench.buffer(kTokens * model.hidden);
    const Buffer dy = bench.buffer(kTokens * out);
    const Linear up = linear(bench, x, dy, model.hidden, out);
    const double flops = 2.0 * static_cast<double>(kTokens * model.hidden) * static_cast<double>(out);
    const auto report = [&](const char* which, const GemmCall& call) {
      report_rate(bench, fmt::format("gate-up {} tp {} {}", model.name, tp, which), flops, {call});
    };
    report("forward", up.forward);
    report("to input", up.to_input);
    report("to weight", up.to_weight);
    GemmCall into_fp32 = up.to_weight;
    into_fp32.accumulate = true;
    into_fp32.c = bench.buffer(up.to_weight.c.elements, DType::fp32);
    report("to fp32 weight, added", into_fp32);
    bench.free_all();
  }
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  try {
    CudaDevice device(0);
    std::printf("%s\n", device.name().c_str());
    results["device"] = device.name();
    Bench bench(device);
    memory_bound(bench, copy_rate(bench));
    for (const Model& model : {k8B, k70B}) {
      products(bench, model);
      for (const std::int64_t tp : {1, 2, 4, 8}) {
        ffn_layer(bench, model, tp);
        attention_layer(bench, model, tp);
      }
    }
  } catch (const CudaError& error) {
    std::printf("%s\n", error.what());
    return kSkipped;
  }
  if (argc > 1) std::ofstream(argv[1]) << results.dump(1) << '\n';
  return 0;
}
