#include "sim/engine/sim_time.hpp"

#include <cmath>

#include <fmt/format.h>

#include "planner/units/result_error.hpp"

namespace foreshard {

namespace detail {

void throw_clock_overflow() {
  throw ResultError(
      "the simulated step runs past 106 days, which is all that the simulator's clock holds: a link, a "
      "device or a "
      "latency is too slow for the step to end");
}

}  // namespace detail

SimTime checked_sim_time(double picoseconds) {
  constexpr double kEnd = 0x1.0p63;
  if (!(picoseconds > -kEnd && picoseconds < kEnd)) detail::throw_clock_overflow();
  return SimTime(static_cast<std::int64_t>(picoseconds));
}

SimTime checked_sim_time(Int128 picoseconds) {
  if (picoseconds > INT64_MAX || picoseconds < INT64_MIN) detail::throw_clock_overflow();
  return SimTime(static_cast<std::int64_t>(picoseconds));
}

SimTime to_sim_time(Seconds duration) {
  constexpr double kPerSecond = 1e12;
  if (!(duration >= Seconds(0.0) && duration <= kDay))
    throw ResultError(fmt::format("a duration of {} s cannot be simulated", duration.value()));
  return SimTime(static_cast<std::int64_t>(std::llround(duration.value() * kPerSecond)));
}

}  // namespace foreshard
