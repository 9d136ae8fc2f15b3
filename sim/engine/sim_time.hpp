#pragma once

#include <compare>
#include <cstdint>

#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

namespace detail {
[[noreturn]] void throw_clock_overflow();
}

/// A point in simulated time, or a stretch of it: whole picoseconds. ±106 days fit. Sums are exact, so a
/// simulation gives the same result whatever the order in which equal things are added, and checked: one that does
/// not fit throws ResultError.
class SimTime {
 public:
  constexpr SimTime() = default;
  constexpr explicit SimTime(std::int64_t picoseconds) : picoseconds_(picoseconds) {}

  [[nodiscard]] constexpr std::int64_t picoseconds() const { return picoseconds_; }
  [[nodiscard]] constexpr Seconds seconds() const {
    return Seconds(static_cast<double>(picoseconds_) * 1e-12);
  }

  constexpr SimTime& operator+=(SimTime other) {
    if (__builtin_add_overflow(picoseconds_, other.picoseconds_, &picoseconds_))
      detail::throw_clock_overflow();
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
/// @throws ResultError for a negative duration, one that is no number, or one longer than a day: no
/// operation of a step takes as long.
SimTime to_sim_time(Seconds duration);

/// A whole number of picoseconds that was worked out in floating point or in 128 bits. @throws ResultError where the
/// clock does not hold it
SimTime checked_sim_time(double picoseconds);
SimTime checked_sim_time(Int128 picoseconds);

}  // namespace foreshard
