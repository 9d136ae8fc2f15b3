#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace foreshard {

/// What a kernel of a trace does, as its name tells.
enum class TracePart : std::uint8_t {
  products,   ///< matrix products and convolutions
  attention,  ///< fused attention cores
  experts,    ///< grouped products, routing and permutation of tokens
  passes,     ///< everything else: kernels that memory limits
  optimizer,  ///< updates and norms over lists of tensors
  copies,     ///< memcpy and memset
  collective
};
inline constexpr std::size_t kTracePartCount = 7;

/// The part of a kernel with this name: the first of the patterns that stands in it, letters alike. Names are
/// those of cuBLAS, cuDNN, CUTLASS, Transformer Engine, FlashAttention, Triton, PyTorch, Apex, NCCL, RCCL, DeepEP.
TracePart part_of_kernel(std::string_view name);

/// The collective of a communication kernel: "all-reduce", "all-gather", "reduce-scatter", "all-to-all",
/// "send-receive", "broadcast", "reduce", or "other"; from the profiler's name of it, else from the kernel's.
std::string_view collective_word(std::string_view collective, std::string_view kernel);

}  // namespace foreshard
