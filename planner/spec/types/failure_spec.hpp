#pragma once

#include <optional>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// How often a long training run is interrupted, and what an interruption costs.
struct FailureSpec {
  /// Mean time between failures caused by one device and its share of the node and the network.
  Seconds mtbf_per_device;
  Seconds checkpoint_write;  ///< time for which the run stops to write a checkpoint
  Seconds restart;           ///< from the failure to the first step after it: noticing, replacing, loading
  std::optional<Seconds> checkpoint_interval;  ///< computing time between checkpoints; none: the best
  std::optional<Seconds> repair;               ///< time until a failed node is back; used with spare nodes
  friend bool operator==(const FailureSpec&, const FailureSpec&) = default;
};

}  // namespace foreshard
