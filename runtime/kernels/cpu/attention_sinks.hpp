#pragma once

#include <cstdint>
#include <optional>

#include "runtime/kernels/cpu/cpu_kernels.hpp"

namespace foreshard::cpu {

/// The logit of a head's sink; none if there are no sinks.
std::optional<float> sink_of(const Buffer& sinks, std::int64_t head);

/// What the gradients of sinks need: the results of attention and their gradient, by rows of heads (rows, heads·dim).
struct SinkGradients {
  std::int64_t rows = 0;
  std::int64_t heads = 0;
  std::int64_t dim = 0;
  Buffer out{};
  Buffer lse{};
  Buffer d_out{};
  Buffer sinks{};
  Buffer d_sinks{};
};

/// d_sinks −= Σ over rows of exp(sink − lse)·(dO∘O). Does nothing if d_sinks is empty.
void add_sink_gradients(Context& context, const SinkGradients& of);

}  // namespace foreshard::cpu
