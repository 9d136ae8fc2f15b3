#pragma once

#include <array>

#include "planner/topology/group.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// How the compute lane of a rank spent an interval of time. Every instant has exactly one cause.
struct LaneTimes {
  Seconds compute;                                ///< kernels other than the optimizer's
  Seconds optimizer;                              ///< kernels of gradient zeroing, norm and update
  Seconds host;                                   ///< idle until the host has issued the next operation
  Seconds bubble;                                 ///< idle until another stage is ready
  std::array<Seconds, kCommAxisCount> exposed{};  ///< idle while a communication of this axis runs

  [[nodiscard]] Seconds total() const;
  LaneTimes& operator+=(const LaneTimes& other);
  friend LaneTimes operator-(LaneTimes a, const LaneTimes& b);
  friend LaneTimes operator*(LaneTimes a, double factor);
};

}  // namespace foreshard
