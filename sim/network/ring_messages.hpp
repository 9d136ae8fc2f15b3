#pragma once

#include <cstdint>
#include <span>

#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"
#include "planner/units/strong_index.hpp"
#include "sim/engine/sim_time.hpp"
#include "sim/network/fabric.hpp"

namespace foreshard {

struct RingRun {
  SimTime time;
  std::uint64_t messages = 0;
};

/// Simulates a ring all-reduce message by message, to show the effect of rounds that take different times.
/// The n members split the payload into n blocks. Each member sends 2(n − 1) blocks to the next member, one
/// after the other, each as soon as it has it. A message takes its route's latency, then flows.
/// @pre the payload is divisible by the number of members; members.size() > 1
RingRun ring_all_reduce_by_messages(const Fabric& fabric, std::span<const Rank> members, Bytes payload);

}  // namespace foreshard
