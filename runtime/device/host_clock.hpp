#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/device/device.hpp"

namespace foreshard {

/// The clock of a device whose kernels are done when run() returns.
class HostClock final : public DeviceClock {
 public:
  explicit HostClock(std::size_t points) : points_(points) {}

  void mark(std::size_t point) override { points_[point] = std::chrono::steady_clock::now(); }
  [[nodiscard]] std::int64_t nanoseconds(std::size_t point) const override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(points_[point].time_since_epoch()).count();
  }

 private:
  std::vector<std::chrono::steady_clock::time_point> points_;
};

}  // namespace foreshard
