#pragma once

#include <memory>

#include "runtime/device/device.hpp"

namespace foreshard {

/// The host's processor (runtime/kernels/cpu): matrix products by libraries, the rest vectorised. Keeps fp32
/// (and tf32, which is stored so), bf16 and integers, and refuses other dtypes by name. It computes in fp32:
/// of bf16 numbers too, sums of products included, and rounds what it stores to nearest even. What it
/// computes does not depend on the number of threads.
class CpuDevice : public Device {
 public:
  /// @throws std::invalid_argument for less than one thread; std::runtime_error for several where the matrix
  /// library serves but one, with what to do
  explicit CpuDevice(int threads = 1);
  ~CpuDevice() override;
  CpuDevice(const CpuDevice&) = delete;
  CpuDevice& operator=(const CpuDevice&) = delete;

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] DType stored_as(DType type) const override;
  [[nodiscard]] std::unique_ptr<DeviceMemory> allocate(std::int64_t bytes) override;
  /// Allocates nothing, but scratch memory and tables at the first call of a shape.
  void run(const KernelCall& call) override;
  void finish() override {}
  [[nodiscard]] std::unique_ptr<DeviceClock> make_clock(std::size_t points) override;
  void write(Buffer to, const double* from) override;
  void read(Buffer from, double* to) const override;
  void upload(Buffer to, const std::byte* from) override;
  void download(Buffer from, std::byte* to) const override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace foreshard
