#include "planner/cost/memory/library_memory.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "planner/topology/device_mesh.hpp"
#include "planner/units/count.hpp"

namespace foreshard {
namespace {

constexpr Bytes mebibytes(std::int64_t count) { return Bytes(checked_product(count, 1024, 1024)); }

// Every figure's source: docs/memory.md.

/// cuBLAS and cuBLASLt on GPUs since Hopper, and before.
constexpr Bytes kWorkspace = mebibytes(64);
constexpr Bytes kOldWorkspace = mebibytes(12);

/// Transformer Engine's own workspace on GPUs since Hopper, and before; one more for each stream of grouped products.
constexpr Bytes kEngineWorkspace = mebibytes(32);
constexpr Bytes kOldEngineWorkspace = mebibytes(4);
constexpr std::int64_t kGroupedStreams = 4;

/// A CUDA context whose kernels are loaded when they are first used, and one that holds those of all
/// libraries.
constexpr Bytes kLeastContext = mebibytes(400);
constexpr Bytes kMostContext = mebibytes(900);

/// NCCL's buffers of one connection in one channel: 4 MiB (simple) + 4.69 MiB (LL128) + 0.5 MiB (LL) where it
/// receives, 2 MiB where it sends, in pages of 2 MiB.
constexpr Bytes kConnection = mebibytes(12);
/// Channels of a communicator, and its neighbours in a ring alone, or in a ring and two trees.
constexpr std::int64_t kFewChannels = 8;
constexpr std::int64_t kManyChannels = 32;
constexpr std::int64_t kRing = 1;
constexpr std::int64_t kRingAndTrees = 3;
/// An all-to-all connects every pair within a node directly; between nodes the network's buffers are shared.
constexpr std::int64_t kMostDirectPeers = 7;

/// NVLink SHARP: for each channel and rank of a node two buffers of 8 steps of 128 KiB.
constexpr Bytes kMulticast = mebibytes(2);
constexpr std::int64_t kHopperChannels = 16;
constexpr std::int64_t kBlackwellChannels = 24;
constexpr std::int64_t kBlackwellChannelsOfNodes = 32;
constexpr std::int64_t kMostMulticastRanks = 32;

/// DeepEP sends by half as many channels as multiprocessors, 20 of them. Buffers have room for 128 experts and 128 scales
/// of each token, and for 8 bytes that say where it comes from.
constexpr std::int64_t kDeepEpChannels = 10;
constexpr std::int64_t kDeepEpNode = 8;
constexpr std::int64_t kDeepEpTokenExtra = 8 + 128 * (8 + 4 + 4);
constexpr std::int64_t kDeepEpNetworkTokens = 128;
constexpr std::int64_t kDeepEpNetworkExtra = kDeepEpTokenExtra + 16;

bool is_since_hopper(const AcceleratorSpec& accelerator) {
  return accelerator.gemm[static_cast<std::size_t>(DType::fp8)].has_value();
}
bool is_since_blackwell(const AcceleratorSpec& accelerator) {
  return accelerator.gemm[static_cast<std::size_t>(DType::mxfp8)].has_value();
}

/// Tokens for which DeepEP's buffers within a node have room, by the number of ranks.
std::int64_t deepep_tokens(std::int64_t ranks) {
  constexpr std::array<std::pair<std::int64_t, std::int64_t>, 4> kTokens{
      {{8, 256}, {64, 288}, {96, 480}, {128, 560}}};
  for (const auto& [most, tokens] : kTokens) {
    if (ranks <= most) return tokens;
  }
  return 720;
}

Bytes in_lines(std::int64_t bytes) { return Bytes(ceil_divide<std::int64_t>(bytes, 128) * 128); }

Bytes deepep_buffers(std::int64_t ranks, std::int64_t row) {
  const std::int64_t in_node = std::min(ranks, kDeepEpNode);
  const std::int64_t nodes = std::max<std::int64_t>(ranks / kDeepEpNode, 1);
  // The counts in front of the tokens of each channel, then the tokens.
  const Bytes within =
      in_lines(checked_product(kDeepEpChannels, in_node, 2 * nodes + 3, 4) +
               checked_product(kDeepEpChannels, in_node, deepep_tokens(ranks), row + kDeepEpTokenExtra));
  if (nodes == 1) return within;
  // The send batch divides the room for tokens, which is rounded up.
  const std::int64_t batch = ranks == 16 ? 20 : ranks > 64 ? 12 : 8;
  const std::int64_t tokens = ceil_divide(kDeepEpNetworkTokens, batch) * batch;
  return within + in_lines(checked_product(kDeepEpChannels, nodes, 2 * (2 * kDeepEpNode + 2), 4) +
                           checked_product(kDeepEpChannels, nodes, 2 * tokens, row + kDeepEpNetworkExtra));
}

/// HybridEP receives as if every token of every rank came to one rank, and keeps a weight for each expert of the node and
/// a scale for each 128 columns with it. Between nodes it also keeps what it sends and what comes, in both directions.
Bytes hybridep_buffers(std::int64_t tokens, std::int64_t columns, std::int64_t experts,
                       const GroupSpan& span) {
  const std::int64_t ranks = checked_product(span.per_node, span.nodes);
  const std::int64_t of_node = checked_product(experts, span.per_node);
  const std::int64_t row = checked_product(columns, 2);
  const std::int64_t scales = checked_product(columns / 128, 4);
  std::int64_t bytes = checked_product(tokens, ranks, row + scales + checked_product(of_node, 4));
  if (span.nodes > 1) {
    bytes += checked_product(tokens, row + scales + checked_product(of_node, span.nodes, 4));
    const std::int64_t arrived = checked_product(tokens, span.nodes - 1);
    bytes += checked_product(arrived, row + scales + checked_product(of_node, 4));
    bytes += checked_product(arrived, 2, row + checked_product(of_node, 4));
  }
  return Bytes(bytes);
}

GroupSpan span_in(const JobSpec& job, GroupKind kind) {
  const Group group = DeviceMesh(job.parallelism).group(kind);
  if (job.cluster.fabric == NodeFabric::none) return {.per_node = 1, .nodes = group.size};
  return span_of(group, job.cluster.devices_per_node);
}

/// Buffers for reductions in the switches of a node, which a communicator makes if it comes to use them.
Bytes multicast_buffers(const JobSpec& job, GroupKind kind) {
  const AcceleratorSpec& accelerator = job.cluster.accelerator;
  const GroupSpan span = span_in(job, kind);
  if (job.cluster.fabric != NodeFabric::nvswitch || !is_since_hopper(accelerator) || span.per_node < 2)
    return {};
  const std::int64_t blackwell = span.nodes > 1 ? kBlackwellChannelsOfNodes : kBlackwellChannels;
  const std::int64_t channels = is_since_blackwell(accelerator) ? blackwell : kHopperChannels;
  return kMulticast * checked_product(channels, std::min(span.per_node, kMostMulticastRanks));
}

}  // namespace

Bytes dispatcher_buffers(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  const Dispatcher dispatcher = job.training.dispatcher;
  if (!job.model.experts || p.ep == 1) return {};
  const ExpertsSpec& moe = *job.model.experts;
  const std::int64_t columns = moe.latent.value_or(job.model.hidden);
  if (dispatcher == Dispatcher::deepep) return deepep_buffers(p.ep, checked_product(columns, 2));
  if (dispatcher != Dispatcher::hybridep) return {};
  const std::int64_t tokens =
      checked_product(job.training.micro_batch, job.training.sequence_length) / checked_product(p.cp, p.tp);
  return hybridep_buffers(tokens, columns, moe.count / p.ep, span_in(job, GroupKind::ep));
}

std::vector<LibraryMemory> library_memory(const JobSpec& job) {
  const AcceleratorSpec& accelerator = job.cluster.accelerator;
  if (accelerator.is_cpu) return {};
  std::vector<LibraryMemory> libraries;
  const Bytes workspace = is_since_hopper(accelerator) ? kWorkspace : kOldWorkspace;
  libraries.push_back({"cuBLAS", MemoryPlace::allocated, workspace, workspace});
  if (job.framework == Framework::megatron) {
    const Bytes of_stream = is_since_hopper(accelerator) ? kEngineWorkspace : kOldEngineWorkspace;
    const Bytes engine = of_stream * (job.model.experts ? 1 + kGroupedStreams : 1);
    libraries.push_back({"Transformer Engine", MemoryPlace::allocated, engine, engine});
  }
  libraries.push_back({"CUDA context", MemoryPlace::outside, kLeastContext, kMostContext});
  const auto add_nccl = [&](const char* name, GroupKind kind) {
    libraries.push_back(
        {name, MemoryPlace::outside, kConnection * checked_product(kFewChannels, kRing),
         kConnection * checked_product(kManyChannels, kRingAndTrees) + multicast_buffers(job, kind)});
  };
  const ParallelismSpec& p = job.parallelism;
  if (p.tp > 1) add_nccl("NCCL, tp", GroupKind::tp);
  if (p.pp > 1) add_nccl("NCCL, pp", GroupKind::pp);
  if (p.cp > 1) add_nccl("NCCL, cp", GroupKind::cp);
  if (p.dp > 1) add_nccl("NCCL, dp", GroupKind::dp_cp);
  if (p.ep > 1 && checked_product(p.dp, p.cp) > p.ep) add_nccl("NCCL, experts' dp", GroupKind::expert_dp);
  if (p.ep > 1)
    libraries.push_back({"NCCL, ep", MemoryPlace::outside, Bytes(),
                         kConnection * checked_product(std::min(p.ep - 1, kMostDirectPeers), kManyChannels)});
  const Bytes buffers = dispatcher_buffers(job);
  const char* const name = job.training.dispatcher == Dispatcher::deepep ? "DeepEP" : "HybridEP";
  if (buffers > Bytes()) libraries.push_back({name, MemoryPlace::outside, buffers, buffers, false});
  return libraries;
}

}  // namespace foreshard
