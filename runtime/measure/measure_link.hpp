#pragma once

#include <cstdint>
#include <string_view>

#include "planner/topology/group.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// What ranks can do with a link.
enum class LinkOperation : std::uint8_t {
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  transfer,  ///< one way between neighbouring stages: half of there and back
  exchange,  ///< every stage sends to the next while it receives from the previous
};
inline constexpr std::size_t kLinkOperationCount = 6;
std::string_view to_string(LinkOperation operation);

/// How long to measure.
struct LinkBudget {
  Seconds time{0.2};  ///< of one measurement, kept where `fewest` samples fit into it
  std::int64_t fewest_samples = 5;
  std::int64_t most_samples = 200;
  Seconds sample{0.5e-3};  ///< short operations are run in a row until they take so long together
};

/// The time of one operation, the same on every rank: each sample is that of its slowest rank.
struct LinkTime {
  std::int64_t ranks = 1;  ///< of one group
  Seconds median{};
  Seconds lower_quartile{};
  Seconds upper_quartile{};
  std::int64_t samples = 0;
};

/// Measures one operation on `payload` bytes of fp32 (of the whole buffer, as nccl-tests count; of the
/// message for transfers). All groups of the kind work at the same time, as they do in a step; transfers use
/// the pipeline whatever `group` says. All ranks together, on memory of `device`, which the communicator is
/// for.
/// @throws std::invalid_argument for transfers in a pipeline of one stage
LinkTime measure_link(Device& device, Communicator& communicator, GroupKind group, LinkOperation operation,
                      Bytes payload, const LinkBudget& budget = {});

}  // namespace foreshard
