#pragma once

#include "planner/spec/types/accelerator_spec.hpp"

namespace foreshard::test {

/// A node's host with round figures: 1 TiB of memory at 100 GB/s, half of it for an optimizer, and a link of 10 GB/s.
inline HostSpec round_host() {
  return {.memory = Bytes(std::int64_t{1} << 40),
          .memory_bandwidth = BytesPerSecond(100e9),
          .memory_efficiency = 0.5,
          .link = {.bandwidth = BytesPerSecond(10e9), .efficiency = 1.0, .latency = Seconds(0.0)}};
}

}  // namespace foreshard::test
