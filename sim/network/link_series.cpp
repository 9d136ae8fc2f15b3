#include "sim/network/link_series.hpp"

#include <algorithm>

namespace foreshard {

LinkSeries::LinkSeries(const std::vector<bool>& links) : place_(links.size(), kNone) {
  std::uint32_t places = 0;
  for (std::size_t link = 0; link < links.size(); ++link) {
    if (links[link]) place_[link] = places++;
  }
  bytes_.resize(places * kIntervals);
}

void LinkSeries::on_flow(std::span<const LinkUse> uses, double bytes_per_flow, SimTime from, SimTime to) {
  make_room(to);
  const auto first = static_cast<std::size_t>(from.picoseconds() / interval_.picoseconds());
  const auto last = static_cast<std::size_t>((to.picoseconds() - 1) / interval_.picoseconds());
  const auto length = static_cast<double>((to - from).picoseconds());
  for (const LinkUse& use : uses) {
    if (place_[use.link] == kNone) continue;
    double* bytes = bytes_.data() + place_[use.link] * kIntervals;
    for (std::size_t s = first; s <= last; ++s) {
      const auto index = static_cast<std::int64_t>(s);
      const SimTime left(index * interval_.picoseconds());
      const SimTime begin = std::max(from, left);
      const SimTime end = to - left > interval_ ? left + interval_ : to;
      bytes[s] += use.flows * bytes_per_flow * static_cast<double>((end - begin).picoseconds()) / length;
    }
  }
}

std::span<const double> LinkSeries::bytes(std::uint32_t link) const {
  if (link >= place_.size() || place_[link] == kNone) return {};
  return std::span(bytes_).subspan(place_[link] * kIntervals, kIntervals);
}

void LinkSeries::make_room(SimTime until) {
  constexpr auto kCount = static_cast<std::int64_t>(kIntervals);
  while ((until.picoseconds() - 1) / kCount >= interval_.picoseconds()) {
    interval_ += interval_;
    for (auto row = bytes_.begin(); row != bytes_.end(); row += kIntervals) {
      for (std::size_t s = 0; s < kIntervals / 2; ++s)
        row[static_cast<std::ptrdiff_t>(s)] =
            row[static_cast<std::ptrdiff_t>(2 * s)] + row[static_cast<std::ptrdiff_t>(2 * s + 1)];
      std::fill(row + kIntervals / 2, row + kIntervals, 0.0);
    }
  }
}

}  // namespace foreshard
