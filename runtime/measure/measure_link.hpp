#pragma once

#include <cstdint>

#include "planner/fit/measured_link.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// How long to measure.
struct LinkBudget {
  Seconds time{0.2};  ///< for one measurement; longer if fewest_samples need it
  std::int64_t fewest_samples = 5;
  std::int64_t most_samples = 200;
  Seconds sample{0.5e-3};  ///< short operations are repeated until a sample takes this long
};

/// Measures one operation on `payload` bytes of fp32: the size of the unsplit buffer of a collective (as in
/// nccl-tests), or of a transfer's message. All groups of the kind run it at the same time, as in a step.
/// Transfers always use the pipeline, whatever `group` is. All ranks call it together. The memory is that of
/// `device`, for which the communicator was made.
/// @throws std::invalid_argument for transfers in a pipeline of one stage
LinkTime measure_link(Device& device, Communicator& communicator, GroupKind group, LinkOperation operation,
                      Bytes payload, const LinkBudget& budget = {});

}  // namespace foreshard
