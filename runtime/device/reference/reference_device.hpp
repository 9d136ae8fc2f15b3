#pragma once

#include "runtime/device/device.hpp"

namespace foreshard {

/// Plain loops in fp64 on the CPU (runtime/kernels/reference): slow, but exact enough that a sharded step
/// must agree with the unsharded step to 1e-11. Every floating-point dtype is stored as fp64; integers keep
/// their type.
class ReferenceDevice : public Device {
 public:
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] DType stored_as(DType type) const override;
  [[nodiscard]] std::unique_ptr<DeviceMemory> allocate(std::int64_t bytes) override;
  void run(const KernelCall& call) override;
  void finish() override {}
  [[nodiscard]] std::unique_ptr<DeviceClock> make_clock(std::size_t points) override;
  void write(Buffer to, const double* from) override;
  void read(Buffer from, double* to) const override;
  void upload(Buffer to, const std::byte* from) override;
  void download(Buffer from, std::byte* to) const override;
};

}  // namespace foreshard
