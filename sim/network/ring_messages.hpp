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

/// A ring all-reduce message by message, for what the rounds of a collective do when they are not alike: n
/// members cut the payload into n blocks, and each sends 2(n − 1) of them to the next, one after the other,
/// as soon as it has the block. A message takes its route's latency, then flows.
/// @pre the payload divides by the members; members.size() > 1
RingRun ring_all_reduce_by_messages(const Fabric& fabric, std::span<const Rank> members, Bytes payload);

}  // namespace foreshard
