#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/units/strong_index.hpp"
#include "sim/engine/engine.hpp"
#include "sim/engine/sim_time.hpp"

namespace foreshard {

/// What makes the devices of a cluster differ, as somebody may know it or suspect it. A factor of 1.2 makes a
/// device's kernels take 1.2 times as long.
struct DisturbanceSpec {
  /// Named devices, first to last.
  struct Slowdown {
    Rank first;
    Rank last;
    double factor = 1.0;
  };
  /// Some devices, nobody knows which: each with probability `share`, by a factor spread evenly over a range.
  struct Stragglers {
    double share = 0.0;
    double least = 1.0;
    double most = 1.0;
  };
  std::vector<Slowdown> slowdowns{};
  std::optional<Stragglers> stragglers{};
  /// All devices a little: the standard deviation of the logarithm of a device's speed.
  double spread = 0.0;
  /// From moment to moment: the standard deviation of the logarithm of what the kernels of one visit of a
  /// block take on one device, beside their mean.
  double jitter = 0.0;

  [[nodiscard]] bool is_random() const { return stragglers || spread > 0.0 || jitter > 0.0; }
  [[nodiscard]] bool empty() const { return slowdowns.empty() && !is_random(); }
};

/// One draw of it.
struct Disturbance {
  std::vector<Speed> speeds;  ///< of each rank's kernels; empty: all as planned
  double jitter = 0.0;
  std::uint64_t seed = 0;

  [[nodiscard]] Speed speed(Rank rank) const { return speeds.empty() ? Speed{} : speeds[rank.at()]; }
  /// What a kernel of the `run`-th visit takes on a rank where it is planned to take `duration`. Depends on
  /// nothing else, so that the same seed disturbs in the same way whatever else happens.
  [[nodiscard]] SimTime jittered(SimTime duration, Rank rank, std::uint32_t run) const;
};

/// The same seed gives the same draw. @throws std::out_of_range for a slowdown of a rank that is not there
Disturbance draw(const DisturbanceSpec& spec, std::int64_t ranks, std::uint64_t seed);

}  // namespace foreshard
