#pragma once

#include <span>
#include <string>

#include "planner/topology/device_mesh.hpp"
#include "planner/units/quantity.hpp"
#include "runtime/comm/operation_note.hpp"

namespace foreshard {

/// What the watchdog knows about one rank.
struct RankStatus {
  RankActivity activity{};
  Seconds unchanged{};  ///< how long the activity has not changed, by the rank's own clock
  Seconds silent{};     ///< time since its last status message
  bool heard = false;   ///< whether it has ever sent a status message
};

/// When a run counts as hanging.
struct HangLimits {
  Seconds timeout{60.0};  ///< an operation that lasts longer counts as a hang
  Seconds answer{3.0};    ///< a rank silent for longer counts as not answering
};

/// Whether some rank has been in one operation, or silent, for the timeout. Ranks between operations (reading
/// files, printing) have no time limit. Ranks that were never heard are not judged.
bool find_hang(std::span<const RankStatus> ranks, const HangLimits& limits);

/// Says who waits for whom: for each collective and transfer in which ranks wait, the waiting ranks and the
/// missing ranks, with what the missing ranks are doing instead. The waits whose missing ranks do not wait
/// themselves come first, because they are the cause of the others.
///
/// Example: tp groups {0,1} {2,3}, dp groups {0,2} {1,3}. Rank 3 computes; rank 2 waits in an all-reduce of
/// tp group {2,3}; ranks 0 and 1 wait in all-reduces of their dp groups, where 2 and 3 are missing. The
/// report begins with the waits for rank 3, which computes: those of dp group {1,3} and of tp group {2,3}.
/// The wait of dp group {0,2} comes last: its missing rank 2 waits itself.
std::string describe_hang(std::span<const RankStatus> ranks, std::span<const std::string> hosts,
                          const DeviceMesh& mesh, const HangLimits& limits);

}  // namespace foreshard
