#include "planner/explain/lever.hpp"

#include <cmath>
#include <cstdint>

#include "planner/cost/ops/minimise.hpp"

namespace foreshard {
namespace {

/// Multiplies a figure. Rounded, so that 1.1 times it reads well in a setting.
template <class Figure>
void scale(Figure& figure, double factor) {
  constexpr int kDigits = 12;
  figure = Figure(rounded(factor * figure.value(), kDigits));
}

void shorten(ClusterSpec& cluster, double factor) {
  scale(cluster.link.latency, factor);
  scale(cluster.network.link.latency, factor);
  if (cluster.nccl) scale(cluster.nccl->fixed, factor);
  KernelConstants& kernels = cluster.accelerator.kernels;
  for (Seconds* fixed :
       {&kernels.launch, &kernels.graph_launch, &kernels.submit, &kernels.gemm_fixed, &kernels.grouped_fixed})
    scale(*fixed, factor);
}

void pair_nodes(ClusterSpec& cluster) {
  cluster.devices_per_node *= 2;
  cluster.idle_per_node *= 2;
  cluster.nodes /= 2;
}

}  // namespace

bool applies(Lever lever, const ClusterSpec& cluster) {
  switch (lever) {
    case Lever::node_bandwidth: return cluster.devices_per_node > 1 && cluster.fabric != NodeFabric::none;
    case Lever::network_bandwidth: return cluster.nodes > 1;
    case Lever::node_size: return cluster.nodes % 2 == 0 && cluster.fabric != NodeFabric::none;
    case Lever::peak_rate:
    case Lever::memory_bandwidth:
    case Lever::memory_size:
    case Lever::latency: return true;
  }
  return false;
}

ClusterSpec with_more(ClusterSpec cluster, Lever lever, double more) {
  const double factor = 1.0 + more;
  AcceleratorSpec& accelerator = cluster.accelerator;
  switch (lever) {
    case Lever::peak_rate:
      for (auto& rate : accelerator.gemm)
        if (rate) scale(rate->peak, factor);
      break;
    case Lever::memory_bandwidth: scale(accelerator.memory_bandwidth, factor); break;
    case Lever::memory_size:
      accelerator.memory_capacity =
          Bytes(static_cast<std::int64_t>(std::llround(factor * accelerator.memory_capacity.as_double())));
      break;
    case Lever::node_bandwidth:
      scale(cluster.link.bandwidth, factor);
      if (cluster.nccl) scale(cluster.nccl->nvls_bandwidth, factor);
      break;
    case Lever::network_bandwidth: scale(cluster.network.link.bandwidth, factor); break;
    case Lever::latency: shorten(cluster, 1.0 - more); break;
    case Lever::node_size: pair_nodes(cluster); break;
  }
  return cluster;
}

}  // namespace foreshard
