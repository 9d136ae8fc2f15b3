// OpenBLAS against oneDNN, on one thread, for the products of a training step: hidden 1024, FFN 2816, grouped
// queries, a head of 8192 columns, and their halves under tensor parallelism of 2. Prints rates; decides
// nothing.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <dnnl.h>
#include <vector>

#include "runtime/kernels/cpu/blas.hpp"
#include "tests/bench/cpu_time.hpp"

using namespace foreshard;
using bench::Times;

namespace {

struct Layer {
  const char* name;
  std::int64_t out;
  std::int64_t in;
};

constexpr Layer kLayers[] = {{"qkv", 1536, 1024},      {"gate_up", 5632, 1024}, {"down", 1024, 2816},
                             {"head", 8192, 1024},     {"qkv / 2", 768, 1024},  {"gate_up / 2", 2816, 1024},
                             {"down / 2", 1024, 1408}, {"head / 2", 4096, 1024}};

struct Memory {
  std::vector<float> a, b, c;
};

std::vector<float> numbers(std::int64_t count) {
  std::vector<float> drawn(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < drawn.size(); ++i) drawn[i] = 0.01F * static_cast<float>(i % 89);
  return drawn;
}

void multiply_by_onednn(const cpu::Product& p) {
  dnnl_sgemm(p.a.transposed ? 'T' : 'N', p.b.transposed ? 'T' : 'N', p.m, p.n, p.k, p.alpha, p.a.data,
             p.a.stride, p.b.data, p.b.stride, p.beta, p.c, p.stride);
}

/// Median time of oneDNN over that of OpenBLAS.
double compare(const char* layer, const char* direction, const cpu::Product& product) {
  constexpr int kRepetitions = 9;
  Times openblas;
  Times onednn;
  bench::measure_in_turn(
      kRepetitions, [&] { cpu::multiply(product); }, openblas, [&] { multiply_by_onednn(product); }, onednn);
  const double gflops = 2e-9 * static_cast<double>(product.m * product.n * product.k);
  const double ratio = onednn.median() / openblas.median();
  std::printf("  %-12s %-16s %5.1f (%5.1f to %5.1f)   %5.1f (%5.1f to %5.1f)   %.3f\n", layer, direction,
              gflops / openblas.median(), gflops / openblas.at(0.75), gflops / openblas.at(0.25),
              gflops / onednn.median(), gflops / onednn.at(0.75), gflops / onednn.at(0.25), ratio);
  std::fflush(stdout);
  return std::log(ratio);
}

/// All three directions of a layer; the sum of the logarithms of their ratios.
double compare_layer(const Layer& layer, std::int64_t tokens, Memory& memory) {
  const auto [name, out, in] = layer;
  const float* a = memory.a.data();
  const float* b = memory.b.data();
  float* c = memory.c.data();
  double sum =
      compare(name, "forward",
              {.m = tokens, .n = out, .k = in, .a = {a, in}, .b = {b, in, true}, .c = c, .stride = out});
  sum += compare(name, "backward-input",
                 {.m = tokens, .n = in, .k = out, .a = {a, out}, .b = {b, in}, .c = c, .stride = in});
  sum += compare(name, "backward-weight",
                 {.m = out,
                  .n = in,
                  .k = tokens,
                  .a = {a, out, true},
                  .b = {b, in},
                  .beta = 1.0F,
                  .c = c,
                  .stride = in});
  return sum;
}

}  // namespace

int main() {
  cpu::use_blas_on_this_thread();
  const dnnl_version_t* version = dnnl_version();
  std::printf(
      "%s against oneDNN %d.%d.%d, GFLOP/s of one thread: medians and quartiles; ratio of the medians\n",
      cpu::blas_name().c_str(), version->major, version->minor, version->patch);
  constexpr std::int64_t kMost = std::int64_t{8192} * 2048;
  Memory memory{numbers(kMost), numbers(kMost), numbers(kMost)};
  double sum = 0.0;
  int count = 0;
  for (const std::int64_t tokens : {512, 1024, 2048}) {
    std::printf("%d tokens              OpenBLAS                oneDNN                  OpenBLAS/oneDNN\n",
                static_cast<int>(tokens));
    for (const Layer& layer : kLayers) {
      sum += compare_layer(layer, tokens, memory);
      count += 3;
    }
  }
  std::printf("geometric mean: OpenBLAS is %.3f times as fast\n", std::exp(sum / count));
}
