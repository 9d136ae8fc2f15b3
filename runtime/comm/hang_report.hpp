#pragma once

#include <span>
#include <string>

#include "planner/topology/device_mesh.hpp"
#include "planner/units/quantity.hpp"
#include "runtime/comm/operation_note.hpp"

namespace foreshard {

/// What is known of one rank.
struct RankStatus {
  RankActivity activity{};
  Seconds unchanged{};  ///< how long it has been doing that, by its own clock
  Seconds silent{};     ///< since it was last heard
  bool heard = false;   ///< ever
};

/// The limits by which a run is judged.
struct HangLimits {
  Seconds timeout{60.0};  ///< an operation that lasts longer is a hang
  Seconds answer{3.0};    ///< a rank silent for longer does not answer
};

/// Whether a rank has been within one operation, or silent, for the timeout. Ranks between operations
/// (reading, reporting) take what time they need, and ranks never heard are not judged.
bool find_hang(std::span<const RankStatus> ranks, const HangLimits& limits);

/// Who waits for whom: for each collective and transfer waited in, the ranks that wait and those that are
/// missing, with what these are doing instead. First those whose missing ranks do not wait themselves: there
/// lies the cause.
std::string describe_hang(std::span<const RankStatus> ranks, std::span<const std::string> hosts,
                          const DeviceMesh& mesh, const HangLimits& limits);

}  // namespace foreshard
