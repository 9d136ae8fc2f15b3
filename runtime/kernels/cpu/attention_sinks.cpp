#include "runtime/kernels/cpu/attention_sinks.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/device/bfloat16.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

constexpr std::int64_t kSinkRows = 64;  // of out and d_out that are converted to fp32 at a time

/// @param scratch  2·kSinkRows·dim numbers
float gradient(const KernelSet& loops, const SinkGradients& of, std::int64_t head, float* scratch) {
  float* const d_out = scratch + kSinkRows * of.dim;
  const float sink = *sink_of(of.sinks, head);
  const float* const lse = as<const float>(of.lse);
  std::array<float, kSinkRows> products;
  double sum = 0.0;
  for (std::int64_t first = 0; first < of.rows; first += kSinkRows) {
    const std::int64_t rows = std::min(kSinkRows, of.rows - first);
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::int64_t at = ((first + i) * of.heads + head) * of.dim;
      loops.copy(fp32_buffer(scratch + i * of.dim, of.dim), of.out.part(at, of.dim));
      loops.copy(fp32_buffer(d_out + i * of.dim, of.dim), of.d_out.part(at, of.dim));
    }
    loops.row_products(scratch, d_out, rows, of.dim, of.dim, products.data());
    for (std::int64_t i = 0; i < rows; ++i) {
      sum -= static_cast<double>(std::exp(sink - lse[(first + i) * of.heads + head])) *
             static_cast<double>(products[static_cast<std::size_t>(i)]);
    }
  }
  return static_cast<float>(sum);
}

}  // namespace

std::optional<float> sink_of(const Buffer& sinks, std::int64_t head) {
  if (sinks.empty()) return std::nullopt;
  if (sinks.type == DType::fp32) return as<const float>(sinks)[head];
  return static_cast<float>(as<const BFloat16>(sinks)[head]);
}

void add_sink_gradients(Context& context, const SinkGradients& of) {
  if (of.d_sinks.empty()) return;
  const int threads = context.pool.threads();
  const std::int64_t size = 2 * kSinkRows * of.dim;
  float* const memory = context.workspace.reserve<float>(threads * size);
  context.pool.run([&](int thread) {
    for (std::int64_t head = thread; head < of.heads; head += threads) {
      float sum = gradient(context.loops, of, head, memory + thread * size);
      context.loops.add_to(of.d_sinks.part(head, 1), fp32_buffer(&sum, 1));
    }
  });
}

}  // namespace foreshard::cpu
