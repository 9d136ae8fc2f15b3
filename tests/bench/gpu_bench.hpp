#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "runtime/device/cuda/cuda_device.hpp"

namespace foreshard {

/// Memory of a GPU, and what kernels on it take.
class GpuBench {
 public:
  explicit GpuBench(CudaDevice& device) : device_(device), clock_(device.make_clock(2 * kRepeats)) {}

  /// Random numbers of [−1, 1), the same block again and again: what is timed does not look at them.
  Buffer buffer(std::int64_t elements, DType type = DType::bf16) {
    memory_.push_back(device_.allocate(bytes_of(type, elements).value()));
    const Buffer made{memory_.back()->data(), elements, type};
    constexpr std::int64_t kBlock = std::int64_t{1} << 20;
    if (type == DType::int32) {
      std::vector<double> ids(static_cast<std::size_t>(elements));
      for (double& id : ids) id = static_cast<double>(draw_() % 100'000);
      device_.write(made, ids.data());
      return made;
    }
    std::vector<double> numbers(static_cast<std::size_t>(std::min(elements, kBlock)));
    for (double& number : numbers) number = static_cast<double>(draw_()) / 2147483648.0 - 1.0;
    const Buffer block = made.part(0, std::min(kBlock, elements));
    device_.write(block, numbers.data());
    for (std::int64_t at = kBlock; at < elements; at += kBlock) {
      const Buffer next = made.part(at, std::min(kBlock, elements - at));
      device_.run(PointwiseCall{.kind = PointwiseKind::cast,
                                .elements = next.elements,
                                .a = block.part(0, next.elements),
                                .y = next});
    }
    return made;
  }
  void free_all() { memory_.clear(); }

  /// Median of repeated runs, in seconds.
  double time(const std::function<void()>& work) {
    for (int i = 0; i < kWarmUps; ++i) work();
    for (std::size_t i = 0; i < kRepeats; ++i) {
      clock_->mark(2 * i);
      work();
      clock_->mark(2 * i + 1);
    }
    device_.finish();
    std::vector<double> times;
    for (std::size_t i = 0; i < kRepeats; ++i)
      times.push_back(1e-9 *
                      static_cast<double>(clock_->nanoseconds(2 * i + 1) - clock_->nanoseconds(2 * i)));
    std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
    return times[kRepeats / 2];
  }
  double time(const std::vector<KernelCall>& calls) {
    return time([&] {
      for (const KernelCall& call : calls) device_.run(call);
    });
  }

  CudaDevice& device() { return device_; }

 private:
  static constexpr int kWarmUps = 3;
  static constexpr std::size_t kRepeats = 15;
  CudaDevice& device_;
  std::unique_ptr<DeviceClock> clock_;
  std::mt19937 draw_{1};
  std::vector<std::unique_ptr<DeviceMemory>> memory_;
};

}  // namespace foreshard
