#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/units/strong_index.hpp"
#include "sim/engine/engine.hpp"
#include "sim/engine/sim_time.hpp"

namespace foreshard {

/// What makes the devices of a cluster differ in speed, as the user knows or suspects it. A factor of 1.2
/// makes a device's kernels take 1.2 times as long.
struct DisturbanceSpec {
  /// A factor for the devices from `first` to `last`, both included.
  struct Slowdown {
    Rank first;
    Rank last;
    double factor = 1.0;
  };
  /// Random slow devices: each device is slow with probability `share`, by a factor drawn uniformly from
  /// `least` to `most`.
  struct Stragglers {
    double share = 0.0;
    double least = 1.0;
    double most = 1.0;
  };
  std::vector<Slowdown> slowdowns{};
  std::optional<Stragglers> stragglers{};
  /// Small random differences between all devices: the standard deviation of the logarithm of a device's
  /// speed.
  double spread = 0.0;
  /// Random changes over time: the standard deviation of the logarithm of the time that the kernels of one
  /// block call take on one device, relative to their mean.
  double jitter = 0.0;

  [[nodiscard]] bool is_random() const { return stragglers || spread > 0.0 || jitter > 0.0; }
  [[nodiscard]] bool empty() const { return slowdowns.empty() && !is_random(); }
};

/// One random draw from a DisturbanceSpec.
struct Disturbance {
  std::vector<Speed> speeds;  ///< by rank: speed of its kernels; empty: all as planned
  double jitter = 0.0;
  std::uint64_t seed = 0;

  [[nodiscard]] Speed speed(Rank rank) const { return speeds.empty() ? Speed{} : speeds[rank.at()]; }
  /// The time that a kernel of the `run`-th block call takes on a rank if `duration` is planned. It depends
  /// only on the arguments and the seed, so one seed gives the same jitter whatever else happens in the
  /// simulation.
  [[nodiscard]] SimTime jittered(SimTime duration, Rank rank, std::uint32_t run) const;
};

/// Draws a disturbance. The same seed gives the same draw. @throws std::out_of_range for a slowdown of a rank
/// that does not exist
Disturbance draw(const DisturbanceSpec& spec, std::int64_t ranks, std::uint64_t seed);

}  // namespace foreshard
