#pragma once

#include <compare>
#include <cstdint>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// A point in simulated time, or a stretch of it: whole picoseconds. ±106 days fit. Sums are exact, so a
/// simulation gives the same result whatever the order in which equal things are added.
class SimTime {
 public:
  constexpr SimTime() = default;
  constexpr explicit SimTime(std::int64_t picoseconds) : picoseconds_(picoseconds) {}

  [[nodiscard]] constexpr std::int64_t picoseconds() const { return picoseconds_; }
  [[nodiscard]] constexpr Seconds seconds() const {
    return Seconds(static_cast<double>(picoseconds_) * 1e-12);
  }

  constexpr SimTime& operator+=(SimTime other) {
    picoseconds_ += other.picoseconds_;
    return *this;
  }
  constexpr SimTime& operator-=(SimTime other) {
    picoseconds_ -= other.picoseconds_;
    return *this;
  }
  friend constexpr SimTime operator+(SimTime a, SimTime b) { return a += b; }
  friend constexpr SimTime operator-(SimTime a, SimTime b) { return a -= b; }
  friend constexpr auto operator<=>(SimTime, SimTime) = default;

 private:
  std::int64_t picoseconds_ = 0;
};

/// A duration on the simulator's clock, rounded to the nearest picosecond, halves away from zero.
/// @throws std::domain_error for a negative duration, one that is no number, or one longer than a day: no
/// operation of a step takes as long.
SimTime to_sim_time(Seconds duration);

}  // namespace foreshard
