#pragma once

#include <memory>
#include <string>

#include "planner/units/count.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// FLOPs of one call, from its arguments: matrix products and the attention core, the full square even where
/// a mask skips half of it.
Flops flops_of(const KernelCall& call);

/// A device that counts the FLOPs that it is asked for.
class CountingDevice final : public Device {
 public:
  explicit CountingDevice(Device& inner) : inner_(inner) {}

  [[nodiscard]] Flops flops() const { return flops_; }
  void reset() { flops_ = Flops(); }

  [[nodiscard]] std::string name() const override { return inner_.name(); }
  [[nodiscard]] std::int64_t element_bytes(DType type) const override { return inner_.element_bytes(type); }
  [[nodiscard]] std::unique_ptr<DeviceMemory> allocate(std::int64_t bytes) override {
    return inner_.allocate(bytes);
  }
  void run(const KernelCall& call) override {
    flops_ += flops_of(call);
    inner_.run(call);
  }
  void write(DType type, Buffer to, const double* from) override { inner_.write(type, to, from); }
  void read(DType type, Buffer from, double* to) const override { inner_.read(type, from, to); }

 private:
  Device& inner_;
  Flops flops_;
};

}  // namespace foreshard
