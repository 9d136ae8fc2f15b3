#pragma once

#include <algorithm>
#include <cstdint>

#include "planner/spec/types/accelerator_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Times of copies between device and host and of the host's CPU, where all devices of a node do the same at the same
/// time: they share the memory of their host.
///   copy     latency + bytes / min(link, memory bandwidth / devices)
///   compute  bytes / (memory bandwidth · efficiency / devices): the CPU's optimizer is limited by memory
class OffloadTimes {
 public:
  /// @param devices of a node that the job uses
  OffloadTimes(const HostSpec& host, std::int64_t devices)
      : latency_(host.link.latency),
        memory_((1.0 / static_cast<double>(devices)) * host.memory_bandwidth),
        link_(std::min(host.link.efficiency * host.link.bandwidth, memory_)),
        cpu_(host.memory_efficiency * memory_) {}

  [[nodiscard]] Seconds copy(Bytes bytes) const { return latency_ + bytes / link_; }
  /// @param traffic bytes that the CPU reads and writes
  [[nodiscard]] Seconds compute(Bytes traffic) const { return traffic / cpu_; }

 private:
  Seconds latency_;
  BytesPerSecond memory_;
  BytesPerSecond link_;
  BytesPerSecond cpu_;
};

}  // namespace foreshard
