#pragma once

#include <memory>

#include "runtime/device/device.hpp"

namespace foreshard {

/// The CPU (runtime/kernels/cpu): matrix products in libraries, everything else in vectorised loops. Stores
/// fp32 (tf32 as fp32), bf16 and integers. Computes in fp32, also with bf16 inputs and in their sums of
/// products, and rounds results to nearest, ties to even. Results do not depend on the number of threads.
class CpuDevice : public Device {
 public:
  /// @throws std::invalid_argument for less than one thread; std::runtime_error for several threads if the
  /// matrix library supports only one: the message says what to do
  explicit CpuDevice(int threads = 1);
  ~CpuDevice() override;
  CpuDevice(const CpuDevice&) = delete;
  CpuDevice& operator=(const CpuDevice&) = delete;

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] DType stored_as(DType type) const override;
  [[nodiscard]] std::unique_ptr<DeviceMemory> allocate(std::int64_t bytes) override;
  /// The first call of a shape allocates scratch memory and tables; later calls allocate nothing.
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
