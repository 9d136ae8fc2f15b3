// What a GPU makes of the kernels: memory-bound ones beside a copy, products and attention by their rates,
// and the two halves of a Llama 3 layer at the shapes of tensor-parallel shards. bf16, 8192 tokens.
//
//   cuda_bench [RESULTS.json [WORDS]]    all, or that whose name holds the words
//   cuda_bench --serve      reads "ffn 8B 4" and "attention 70B 1" and answers with seconds, a line each: for
//                           torch_layer_bench.py, which times the same layers in PyTorch in turn with these
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/cuda/cuda_check.hpp"
#include "runtime/device/cuda/cuda_device.hpp"
#include "tests/bench/gpu_bench.hpp"
#include "tests/bench/llama_layers.hpp"

using namespace foreshard;

namespace {

nlohmann::json results = nlohmann::json::object();
std::string wanted;

bool is_wanted(const std::string& name) { return name.find(wanted) != std::string::npos; }

void say(const std::string& name, double seconds, const std::string& figure) {
  std::printf("%-44s %9.3f ms  %s\n", name.c_str(), 1e3 * seconds, figure.c_str());
  results["times_s"][name] = seconds;
}

/// A copy from device to device, timed again beside every kernel that is held to it.
class Copy {
 public:
  explicit Copy(CudaDevice& device)
      : bench_(device), from_(bench_.buffer(kBytes / 2)), to_(bench_.buffer(kBytes / 2)) {}

  /// Bytes read and written per second.
  double rate() {
    const double seconds = bench_.time([&] {
      check_cuda(
          cudaMemcpyAsync(to_.data, from_.data, kBytes, cudaMemcpyDeviceToDevice, bench_.device().stream()),
          "cudaMemcpyAsync");
    });
    return 2.0 * static_cast<double>(kBytes) / seconds;
  }

 private:
  static constexpr std::int64_t kBytes = std::int64_t{1} << 30;
  GpuBench bench_;
  Buffer from_;
  Buffer to_;
};

void memory_bound(GpuBench& bench) {
  Copy copy(bench.device());
  std::printf("a copy of 1 GiB reads and writes %.2f TB/s\n", 1e-12 * copy.rate());
  const auto report = [&](const std::string& name, double bytes, const KernelCall& call) {
    if (!is_wanted(name)) return;
    const double before = copy.rate();
    const double seconds = bench.time(std::vector<KernelCall>{call});
    const double share = bytes / seconds / (0.5 * (before + copy.rate()));
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

void report_rate(GpuBench& bench, const std::string& name, double flops,
                 const std::vector<KernelCall>& calls) {
  if (!is_wanted(name)) return;
  const double seconds = bench.time(calls);
  say(name, seconds, fmt::format("{:.0f} TFLOP/s", 1e-12 * flops / seconds));
}

void products(GpuBench& bench, const LlamaShape& model) {
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

void layers(GpuBench& bench, const LlamaShape& model, std::int64_t tp) {
  const HalfLayer ffn = ffn_layer(bench, model, tp);
  report_rate(bench, fmt::format("ffn {} tp {}", model.name, tp), ffn.flops, ffn.calls);
  bench.free_all();
  const AttentionLayer attention = attention_layer(bench, model, tp);
  // Half of the square is hidden; forward has two products, backward five.
  report_rate(bench, fmt::format("attention core {} tp {} forward", model.name, tp), 2.0 * attention.square,
              {attention.core});
  report_rate(bench, fmt::format("attention core {} tp {} backward", model.name, tp), 5.0 * attention.square,
              {attention.core_backward});
  report_rate(bench, fmt::format("attention {} tp {}", model.name, tp), attention.flops, attention.calls);
  bench.free_all();
}

/// Attention whose queries, keys and values lie apart, forward and backward.
void gathered_attention(GpuBench& bench, const std::string& name, GatheredAttentionCall call) {
  const auto matrix = [&](std::int64_t rows, std::int64_t heads, std::int64_t width) {
    return HeadColumns{bench.buffer(rows * heads * width), heads * width, 0, width};
  };
  const std::int64_t rows = call.queries.rows();
  const std::int64_t keys = call.keys.rows();
  call.q = matrix(rows, call.heads, call.key_dim());
  call.k = matrix(keys, call.kv_heads, call.own_dim);
  if (call.shared_dim > 0) call.shared_k = matrix(keys, 1, call.shared_dim);
  call.v = matrix(keys, call.kv_heads, call.v_head_dim);
  call.out = bench.buffer(rows * call.heads * call.v_head_dim);
  call.lse = bench.buffer(rows * call.heads, DType::fp32);
  // Half of the square is hidden, from every rank as much.
  const double pairs = static_cast<double>(rows * call.heads) * static_cast<double>(call.keys.sequence);
  const auto flops = [&](std::int64_t of_keys, std::int64_t of_values) {
    return pairs * static_cast<double>(of_keys * call.key_dim() + of_values * call.v_head_dim);
  };
  report_rate(bench, name + " forward", flops(1, 1), {call});
  call.backward = true;
  call.d_out = bench.buffer(rows * call.heads * call.v_head_dim);
  call.dq = matrix(rows, call.heads, call.key_dim());
  call.dk = matrix(keys, call.kv_heads, call.own_dim);
  if (call.shared_dim > 0) call.d_shared_k = matrix(keys, 1, call.shared_dim);
  call.dv = matrix(keys, call.kv_heads, call.v_head_dim);
  report_rate(bench, name + " backward", flops(3, 2), {call});
  bench.free_all();
}

void gathered_attention(GpuBench& bench) {
  const TokenRows whole{.sequence = 32768, .shares = 4, .held = 4};
  gathered_attention(bench, "attention of a quarter of 32768 tokens",
                     {.queries = {.sequence = 32768, .shares = 4},
                      .keys = whole,
                      .heads = 32,
                      .kv_heads = 8,
                      .own_dim = 128,
                      .v_head_dim = 128});
  gathered_attention(
      bench, "attention of 8 of 32 heads of 32768 tokens",
      {.queries = whole, .keys = whole, .heads = 8, .kv_heads = 2, .own_dim = 128, .v_head_dim = 128});
  const TokenRows latent{.sequence = kTokens};
  gathered_attention(bench, "latent attention of 16 heads",
                     {.queries = latent,
                      .keys = latent,
                      .heads = 16,
                      .kv_heads = 16,
                      .own_dim = 128,
                      .shared_dim = 64,
                      .v_head_dim = 128});
}

/// Products of a rank's experts over rows that came from `members` ranks, as many from each for each expert.
void experts(GpuBench& bench, const std::string& name, std::int64_t count, std::int64_t members,
             std::int64_t rows_of_run, std::int64_t in, std::int64_t out) {
  RoutedRows routed;
  for (std::int64_t i = 0; i < members * count; ++i) {
    routed.runs.push_back({i % count, routed.total, rows_of_run});
    routed.total += rows_of_run;
  }
  GroupedGemmCall call{.experts = count, .room = routed.total, .out = out, .in = in, .routed = &routed};
  call.x = bench.buffer(routed.total * in);
  call.y = bench.buffer(routed.total * out);
  call.weight = bench.buffer(count * in * out);
  const double flops = 2.0 * static_cast<double>(routed.total * in) * static_cast<double>(out);
  report_rate(bench, name + " forward", flops, {call});
  call.part = GroupedPart::input_gradient;
  report_rate(bench, name + " to input", flops, {call});
  call.part = GroupedPart::weight_gradient;
  call.accumulate = true;
  call.weight = bench.buffer(count * in * out, DType::fp32);
  report_rate(bench, name + " to fp32 weight, added", flops, {call});
  bench.free_all();
}

void measure_all(GpuBench& bench) {
  std::printf("%s\n", bench.device().name().c_str());
  results["device"] = bench.device().name();
  memory_bound(bench);
  for (const LlamaShape& model : {k8B, k70B}) {
    products(bench, model);
    for (const std::int64_t tp : {1, 2, 4, 8}) layers(bench, model, tp);
  }
  gathered_attention(bench);
  experts(bench, "experts, Mixtral ep 8, gate-up", 1, 8, 1024, 4096, 28672);
  experts(bench, "experts, DeepSeek-V3 ep 64, gate-up", 4, 64, 128, 7168, 4096);
}

/// A layer that is asked for again keeps its memory.
void serve(GpuBench& bench) {
  std::string built;
  HalfLayer layer;
  for (std::string line; std::getline(std::cin, line);) {
    if (line != built) {
      bench.free_all();
      std::string half;
      std::string model;
      std::int64_t tp = 1;
      std::istringstream(line) >> half >> model >> tp;
      const LlamaShape& shape = model == k8B.name ? k8B : k70B;
      layer = half == "ffn" ? ffn_layer(bench, shape, tp) : HalfLayer(attention_layer(bench, shape, tp));
      built = line;
    }
    std::cout << bench.time(layer.calls) << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  const std::string argument = argc > 1 ? argv[1] : "";
  if (argc > 2) wanted = argv[2];
  try {
    CudaDevice device(0);
    GpuBench bench(device);
    argument == "--serve" ? serve(bench) : measure_all(bench);
  } catch (const CudaError& error) {
    std::printf("%s\n", error.what());
    return kSkipped;
  }
  if (!argument.empty() && argument != "--serve") std::ofstream(argument) << results.dump(1) << '\n';
  return 0;
}
