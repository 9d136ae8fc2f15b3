#include "planner/cost/memory/memory_band.hpp"

#include <algorithm>
#include <cmath>

#include "planner/frameworks/framework.hpp"
#include "planner/units/count.hpp"

namespace foreshard {

namespace {

constexpr Bytes mebibytes(std::int64_t count) { return Bytes(checked_product(count, 1024, 1024)); }

// Every figure's source: docs/memory.md.

/// cuBLAS and cuBLASLt on GPUs since Hopper, and before.
constexpr Bytes kWorkspace = mebibytes(64);
constexpr Bytes kOldWorkspace = mebibytes(12);

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

/// Reserved over allocated memory − 1 at best, and at worst: one arena, or a caching allocator.
constexpr double kLeastFragmentation = 0.01;
constexpr double kMostOfArena = 0.04;
constexpr double kMostOfCache = 0.15;

/// Tensor units that cuBLAS gives more workspace came with fp8.
bool has_new_workspace(const AcceleratorSpec& accelerator) {
  return accelerator.gemm[static_cast<std::size_t>(DType::fp8)].has_value();
}

Bytes share_above(Bytes bytes, double share) {
  return bytes + Bytes(std::llround(bytes.as_double() * share));
}

}  // namespace

std::string_view to_string(MemoryVerdict verdict) {
  switch (verdict) {
    case MemoryVerdict::fits: return "fits";
    case MemoryVerdict::likely_fits: return "likely fits";
    case MemoryVerdict::tight: return "tight";
    case MemoryVerdict::does_not_fit: return "does not fit";
  }
  return "";
}

Communicators communicators_of(const ParallelismSpec& parallelism) {
  const ParallelismSpec& p = parallelism;
  Communicators result;
  for (const std::int64_t degree : {p.tp, p.pp, p.cp, p.dp}) result.groups += degree > 1 ? 1 : 0;
  if (p.ep > 1) {
    result.groups += checked_product(p.dp, p.cp) > p.ep ? 1 : 0;  // the replicas of the experts
    result.exchange_peers = std::min(p.ep - 1, kMostDirectPeers);
  }
  return result;
}

MemoryBand memory_band(const JobSpec& job, Bytes peak) {
  const FrameworkConventions usual = framework_conventions(job.framework);
  MemoryBand band;
  if (job.cluster.accelerator.is_cpu) {
    band.reserved_low = peak;
    band.reserved_high = share_above(peak, usual.fragmentation);
    return band;
  }
  band.workspace = has_new_workspace(job.cluster.accelerator) ? kWorkspace : kOldWorkspace;
  band.reserved_low = share_above(peak, std::min(usual.fragmentation, kLeastFragmentation));
  band.reserved_high =
      share_above(peak + band.workspace, job.framework == Framework::foreshard ? kMostOfArena : kMostOfCache);
  const Communicators made = communicators_of(job.parallelism);
  const auto buffers = [&](std::int64_t channels, std::int64_t neighbours) {
    return kConnection * checked_product(made.groups, channels, neighbours);
  };
  band.context_low = std::min(usual.context, kLeastContext + buffers(kFewChannels, kRing));
  band.context_high =
      std::max(usual.context, kMostContext + buffers(kManyChannels, kRingAndTrees) +
                                  kConnection * checked_product(made.exchange_peers, kManyChannels));
  return band;
}

MemoryVerdict memory_verdict(Bytes needed, Bytes low, Bytes high, Bytes capacity) {
  if (high <= capacity) return MemoryVerdict::fits;
  if (needed <= capacity) return MemoryVerdict::likely_fits;
  return low <= capacity ? MemoryVerdict::tight : MemoryVerdict::does_not_fit;
}

}  // namespace foreshard
