#include "sim/engine/sim_time.hpp"

#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

namespace foreshard {

SimTime to_sim_time(Seconds duration) {
  constexpr double kPerSecond = 1e12;
  if (!(duration >= Seconds(0.0) && duration <= kDay))
    throw std::domain_error(fmt::format("a duration of {} s cannot be simulated", duration.value()));
  return SimTime(static_cast<std::int64_t>(std::llround(duration.value() * kPerSecond)));
}

}  // namespace foreshard
