#pragma once

#include <compare>
#include <cstdint>

#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

namespace detail {
[[noreturn]] void throw_clock_overflow();
}

/// A point in simulated time, or a duration, in whole picoseconds; ±106 days fit. Sums are exact, so the
/// result of a simulation does not depend on the order of additions. Sums are also checked: one that does not
/// fit throws ResultError.
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

/// Converts a duration to the simulator's clock, rounded to the nearest picosecond, halves away from zero.
/// @throws ResultError for a duration that is negative, not a number, or longer than a day (no operation of
/// a step takes as long)
SimTime to_sim_time(Seconds duration);

/// Converts a whole number of picoseconds, computed in floating point or in 128 bits. @throws ResultError if
/// it does not fit into the clock's 64 bits
SimTime checked_sim_time(double picoseconds);
SimTime checked_sim_time(Int128 picoseconds);

}  // namespace foreshard
