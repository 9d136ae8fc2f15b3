#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/sim_time.hpp"
#include "sim/network/flow_network.hpp"

namespace foreshard {

/// A time series of the bytes that links carried, in intervals of equal length. Their number is fixed: when
/// time passes the end of the last one, neighbouring intervals are merged in pairs and all become twice as
/// long.
class LinkSeries : public FlowListener {
 public:
  static constexpr std::size_t kIntervals = 512;

  LinkSeries() = default;
  /// Records the links whose entry is true.
  explicit LinkSeries(const std::vector<bool>& links);

  void on_flow(std::span<const LinkUse> uses, double bytes_per_flow, SimTime from, SimTime to) override;

  [[nodiscard]] SimTime interval() const { return interval_; }
  /// Bytes by interval; empty for a link that is not recorded.
  [[nodiscard]] std::span<const double> bytes(std::uint32_t link) const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  void make_room(SimTime until);

  SimTime interval_{1'000'000};       // 1 us
  std::vector<std::uint32_t> place_;  // by link
  std::vector<double> bytes_;         // [place][interval]
};

}  // namespace foreshard
