#include "planner/topology/route.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

#include <fmt/core.h>

namespace foreshard {
namespace {

std::string_view name_of(VertexKind kind) {
  switch (kind) {
    case VertexKind::device: return "device";
    case VertexKind::node_switch: return "node switch";
    case VertexKind::nic: return "nic";
    case VertexKind::leaf_switch: return "leaf switch";
    case VertexKind::spine_switch: return "spine switch";
  }
  return "unknown vertex";
}

}  // namespace

std::string to_string(const Vertex& vertex) {
  return fmt::format("{} {}", name_of(vertex.kind), vertex.index);
}

BytesPerSecond NetworkRoute::bottleneck() const {
  BytesPerSecond least(std::numeric_limits<double>::infinity());
  for (const ClusterLink& link : links) least = std::min(least, link.bandwidth);
  return least;
}

Seconds NetworkRoute::latency() const {
  Seconds sum;
  for (const ClusterLink& link : links) sum += link.latency;
  return sum;
}

}  // namespace foreshard
