#include "planner/cost/step/lane_loads.hpp"

#include <algorithm>
#include <cstddef>

namespace foreshard {

namespace {

double shared(const Stretch& a, const Stretch& b) {
  return std::max(0.0, std::min(a.to, b.to) - std::max(a.from, b.from));
}

}  // namespace

double LaneLoads::kernel_end(double start, double seconds) const {
  if (slows_nothing()) return start + seconds;
  double now = start;
  double left = seconds;
  const auto first = std::partition_point(loads_.begin(), loads_.end(),
                                          [&](const Stretch& load) { return load.to <= start; });
  for (auto load = first; load != loads_.end(); ++load) {
    const double alone = std::max(0.0, load->from - now);
    if (left <= alone) return now + left;
    left -= alone;
    now = std::max(now, load->from);
    const double beside = (load->to - now) * share_left_;
    if (left <= beside) return now + left / share_left_;
    left -= beside;
    now = load->to;
  }
  return now + left;
}

double LaneLoads::taken_from(std::span<const Stretch> kernels, Stretch communication) const {
  if (slows_nothing()) return 0.0;
  const double lost = alone_in(kernels, communication) * (1.0 / share_left_ - 1.0);
  return std::min(lost, (communication.to - communication.from) * (1.0 - share_left_));
}

/// How long these kernels run inside the interval `within` without any communication that is known so far.
double LaneLoads::alone_in(std::span<const Stretch> kernels, Stretch within) const {
  double alone = 0.0;
  for (auto kernel = kernels.rbegin(); kernel != kernels.rend() && kernel->to > within.from; ++kernel) {
    const Stretch part{std::max(kernel->from, within.from), std::min(kernel->to, within.to)};
    if (part.from >= part.to) continue;
    alone += part.to - part.from;
    for (auto load = loads_.rbegin(); load != loads_.rend() && load->to > part.from; ++load)
      alone -= shared(part, *load);
  }
  return std::max(0.0, alone);
}

void LaneLoads::add(Stretch communication) {
  constexpr std::size_t kMost = 256;
  // Merges it with the intervals that it touches.
  const auto first = std::partition_point(loads_.begin(), loads_.end(),
                                          [&](const Stretch& load) { return load.to < communication.from; });
  auto last = first;
  for (; last != loads_.end() && last->from <= communication.to; ++last) {
    communication.from = std::min(communication.from, last->from);
    communication.to = std::max(communication.to, last->to);
  }
  loads_.insert(loads_.erase(first, last), communication);
  if (loads_.size() > kMost) loads_.erase(loads_.begin(), loads_.begin() + kMost / 2);
}

}  // namespace foreshard
