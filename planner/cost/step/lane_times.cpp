#include "planner/cost/step/lane_times.hpp"

#include <cstddef>
#include <numeric>

namespace foreshard {

Seconds LaneTimes::total() const {
  return std::accumulate(exposed.begin(), exposed.end(), compute + optimizer + host + bubble);
}

LaneTimes& LaneTimes::operator+=(const LaneTimes& other) {
  compute += other.compute;
  optimizer += other.optimizer;
  host += other.host;
  bubble += other.bubble;
  for (std::size_t a = 0; a < kCommAxisCount; ++a) exposed[a] += other.exposed[a];
  return *this;
}

LaneTimes operator-(LaneTimes a, const LaneTimes& b) {
  a += b * -1.0;
  return a;
}

LaneTimes operator*(LaneTimes a, double factor) {
  a.compute = a.compute * factor;
  a.optimizer = a.optimizer * factor;
  a.host = a.host * factor;
  a.bubble = a.bubble * factor;
  for (Seconds& axis : a.exposed) axis = axis * factor;
  return a;
}

}  // namespace foreshard
