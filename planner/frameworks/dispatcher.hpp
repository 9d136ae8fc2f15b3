#pragma once

#include <cstdint>
#include <optional>

namespace foreshard {

/// How the tokens of a layer come to their experts and back.
enum class Dispatcher : std::uint8_t {
  all_to_all,  ///< one row per token and chosen expert, through NCCL's all-to-all
  all_gather,  ///< every rank gets the tokens of its whole expert-parallel group, and reduce-scatters its results
  deepep,      ///< one copy of a token per rank that needs it; between nodes one per node (DeepEP)
  hybridep,  ///< the same by Megatron-LM's HybridEP kernels
  loop,      ///< no exchange: a rank has all experts and runs them one after another
};

/// The multiprocessors that a dispatcher's kernels hold if the job does not say it (training.dispatcher_sms); none: the
/// accelerator's share of any collective holds.
/// Source: `Buffer.num_sms` of deepseek-ai/DeepEP@94a9f8f and `moe_deepep_num_sms` of Megatron-LM; Megatron Bridge's
/// recipes of 16 with HybridEP (NVIDIA-NeMo/Megatron-Bridge@067f987).
constexpr std::optional<std::int64_t> usual_sms(Dispatcher dispatcher) {
  switch (dispatcher) {
    case Dispatcher::deepep: return 20;
    case Dispatcher::hybridep: return 16;
    case Dispatcher::all_to_all:
    case Dispatcher::all_gather:
    case Dispatcher::loop: return std::nullopt;
  }
  return std::nullopt;
}

/// The type in which rows travel to experts. The results travel back as they are.
enum class DispatchPrecision : std::uint8_t {
  same,  ///< as they are
  fp8    ///< in 8 bits, with a scale for every 128 elements (DeepSeek-V3, arXiv:2412.19437, section 3.3.3)
};

/// How the exchange of experts' tokens overlaps compute. none: not at all. pipelined: it is split into chunks that
/// overlap the products which use (or make) its data. shared: the shared experts are computed meanwhile. in_turns:
/// the forward pass of one micro-batch and the backward pass of another are issued in turns, so that the exchanges
/// of each overlap the compute of the other (Megatron-LM's combined 1F1B).
enum class EpOverlap : std::uint8_t { none, pipelined, shared, in_turns };

}  // namespace foreshard
