#pragma once

#include <memory>
#include <string>

#include "planner/units/count.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// FLOPs of one call, computed from its arguments. Only matrix products and attention count; causal attention
/// counts all scores, although half of them are masked.
Flops flops_of(const KernelCall& call);

/// Forwards all calls to another device and counts their FLOPs.
class CountingDevice final : public Device {
 public:
  explicit CountingDevice(Device& inner) : inner_(inner) {}

  [[nodiscard]] Flops flops() const { return flops_; }
  void reset() { flops_ = Flops(); }

  [[nodiscard]] std::string name() const override { return inner_.name(); }
  [[nodiscard]] DType stored_as(DType type) const override { return inner_.stored_as(type); }
  [[nodiscard]] std::unique_ptr<DeviceMemory> allocate(std::int64_t bytes) override {
    return inner_.allocate(bytes);
  }
  void run(const KernelCall& call) override {
    flops_ += flops_of(call);
    inner_.run(call);
  }
  void finish() override { inner_.finish(); }
  [[nodiscard]] std::unique_ptr<DeviceClock> make_clock(std::size_t points) override {
    return inner_.make_clock(points);
  }
  void write(Buffer to, const double* from) override { inner_.write(to, from); }
  void read(Buffer from, double* to) const override { inner_.read(from, to); }
  void upload(Buffer to, const std::byte* from) override { inner_.upload(to, from); }
  void download(Buffer from, std::byte* to) const override { inner_.download(from, to); }

 private:
  Device& inner_;
  Flops flops_;
};

}  // namespace foreshard
