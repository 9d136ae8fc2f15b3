#include "planner/cost/step/lane_loads.hpp"

#include <algorithm>
#include <cstddef>

namespace foreshard {

namespace {

double shared_time(const Stretch& part, const Load& load) {
  return std::max(0.0, std::min(part.to, load.to) - std::max(part.from, load.from));
}

/// Appends a load to ascending ones; where it continues the last with the same share, it lengthens that.
void append_load(std::vector<Load>& loads, const Load& load) {
  if (load.from >= load.to) return;
  if (!loads.empty() && loads.back().to == load.from && loads.back().share == load.share)
    loads.back().to = load.to;
  else
    loads.push_back(load);
}

}  // namespace

double LaneLoads::kernel_end(double start, double seconds) const {
  double now = start;
  double left = seconds;
  const auto first =
      std::partition_point(loads_.begin(), loads_.end(), [&](const Load& load) { return load.to <= start; });
  for (auto load = first; load != loads_.end(); ++load) {
    const double alone = std::max(0.0, load->from - now);
    if (left <= alone) return now + left;
    left -= alone;
    now = std::max(now, load->from);
    const double share_left = 1.0 - load->share;
    const double beside = (load->to - now) * share_left;
    if (left <= beside) return now + left / share_left;
    left -= beside;
    now = load->to;
  }
  return now + left;
}

double LaneLoads::taken_from(std::span<const Stretch> kernels, const Load& communication) const {
  const double share_left = 1.0 - communication.share;
  double lost = 0.0;
  for (auto kernel = kernels.rbegin(); kernel != kernels.rend() && kernel->to > communication.from;
       ++kernel) {
    const Stretch part{std::max(kernel->from, communication.from), std::min(kernel->to, communication.to)};
    if (part.from >= part.to) continue;
    // Work of 1 s that had the whole device takes 1/share_left; work that ran at 1 − s, as much of that as it did.
    lost += (part.to - part.from) * (1.0 / share_left - 1.0);
    for (auto load = loads_.rbegin(); load != loads_.rend() && load->to > part.from; ++load) {
      const double was_left = 1.0 - std::min(load->share, communication.share);
      lost -= shared_time(part, *load) * (1.0 - was_left) / share_left;
    }
  }
  return std::clamp(lost, 0.0, (communication.to - communication.from) * communication.share);
}

void LaneLoads::add(const Load& communication) {
  constexpr std::size_t kMost = 256;
  const auto first = std::partition_point(loads_.begin(), loads_.end(),
                                          [&](const Load& load) { return load.to < communication.from; });
  auto last = first;
  while (last != loads_.end() && last->from <= communication.to) ++last;
  if (std::all_of(first, last, [&](const Load& load) { return load.share == communication.share; })) {
    Load merged = communication;
    if (first != last) {
      merged.from = std::min(merged.from, first->from);
      merged.to = std::max(merged.to, std::prev(last)->to);
    }
    loads_.insert(loads_.erase(first, last), merged);
  } else {
    std::vector<Load> pieces;
    double reached = communication.from;
    for (auto load = first; load != last; ++load) {
      const double from = std::clamp(load->from, communication.from, communication.to);
      const double to = std::clamp(load->to, communication.from, communication.to);
      append_load(pieces, {load->from, from, load->share});
      append_load(pieces, {reached, from, communication.share});
      append_load(pieces, {from, to, std::max(load->share, communication.share)});
      append_load(pieces, {to, load->to, load->share});
      reached = to;
    }
    append_load(pieces, {reached, communication.to, communication.share});
    loads_.insert(loads_.erase(first, last), pieces.begin(), pieces.end());
  }
  if (loads_.size() > kMost) loads_.erase(loads_.begin(), loads_.begin() + kMost / 2);
}

}  // namespace foreshard
