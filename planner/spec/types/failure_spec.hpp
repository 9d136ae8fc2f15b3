#pragma once

#include <optional>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// How often a long training run is interrupted, and what an interruption costs.
struct FailureSpec {
  Seconds
      mtbf_per_device;  ///< mean time between failures that one device, with its share of the rest, causes
  Seconds checkpoint_write;  ///< that the run stands still for
  Seconds restart;           ///< from the failure to the first step after it: noticing, replacing, loading
  std::optional<Seconds> checkpoint_interval;  ///< computing between checkpoints; unsaid: the best
  std::optional<Seconds> repair;               ///< until a failed node is back; for spare nodes
  friend bool operator==(const FailureSpec&, const FailureSpec&) = default;
};

}  // namespace foreshard
