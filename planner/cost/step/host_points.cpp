#include "planner/cost/step/host_points.hpp"

#include <algorithm>
#include <cstddef>

namespace foreshard {

std::vector<HostPoint> host_points(const Block& block, const std::vector<OpTime>& times) {
  std::vector<HostPoint> points(block.ops.size());
  const bool has_host =
      std::any_of(times.begin(), times.end(), [](const OpTime& time) { return time.host > Seconds(0.0); });
  if (!has_host) return points;
  Seconds pending;
  HostPoint* last = nullptr;  // the last kernel since the latest point
  const auto set = [&](HostPoint& point) {
    point = {.is_point = true, .host = pending};
    pending = Seconds(0.0);
    last = nullptr;
  };
  bool is_first = true;  // of the block, or since the host stopped
  for (std::size_t o = 0; o < block.ops.size(); ++o) {
    const bool is_point = !is_kernel(block.ops[o]) || block.ops[o].host_awaits || is_first;
    if (!is_kernel(block.ops[o]) && last != nullptr) set(*last);
    pending += times[o].host;
    last = &points[o];
    if (is_point) set(points[o]);
    is_first = (is_first && !is_kernel(block.ops[o])) || block.ops[o].host_awaits;
  }
  if (last != nullptr) set(*last);
  return points;
}

void add_graph_launches(const Block& block, const HostModel& host, std::vector<OpTime>& times) {
  bool is_inside = false;
  for (std::size_t o = 0; o < block.ops.size(); ++o) {
    const bool is_captured = host.is_captured(block.ops[o]);
    if (is_captured && !is_inside) times[o].host += host.graph_launch();
    is_inside = is_captured;
  }
}

}  // namespace foreshard
