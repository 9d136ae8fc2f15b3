#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The operations on a link that are measured.
enum class LinkOperation : std::uint8_t {
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  transfer,  ///< a message between neighbouring stages: half of a round trip
  exchange,  ///< every stage sends to the next one and receives from the previous one at the same time
};
inline constexpr std::size_t kLinkOperationCount = 6;
std::string_view to_string(LinkOperation operation);

/// The time of one operation, the same on every rank: each sample is the time of the slowest rank.
struct LinkTime {
  std::int64_t ranks = 1;  ///< members of one group
  Seconds median{};
  Seconds lower_quartile{};
  Seconds upper_quartile{};
  std::int64_t samples = 0;
};

/// The measured time of one operation of one size on a link.
struct MeasuredLink {
  LinkOperation operation = LinkOperation::all_reduce;  ///< a collective of the planner, or a transfer
  Bytes payload{};
  LinkTime time{};  ///< time.ranks is the size of the group
};

}  // namespace foreshard
