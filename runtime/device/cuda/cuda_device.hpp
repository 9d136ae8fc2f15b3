#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <cuda_runtime_api.h>

#include "runtime/device/device.hpp"

namespace foreshard {

/// One GPU: matrix products by cuBLASLt, attention by cuDNN where it is there, the rest own kernels
/// (runtime/kernels/cuda). Keeps bf16, fp32 and integers; sums in fp32. Everything is handed in to one
/// stream, in the order of the calls; the same calls give the same bits.
class CudaDevice : public Device {
 public:
  /// @param index  among the GPUs that this process sees
  /// @throws CudaError where there is none, with what to do
  explicit CudaDevice(int index);
  ~CudaDevice() override;
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  /// "NVIDIA H100 80GB HBM3, CUDA 13.0, cuBLASLt 13.1.0"
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] DType stored_as(DType type) const override;
  /// @throws CudaError that says what was asked for and what is free
  [[nodiscard]] std::unique_ptr<DeviceMemory> allocate(std::int64_t bytes) override;
  /// Allocates tables, and finds an algorithm, at the first call of a shape.
  void run(const KernelCall& call) override;
  void finish() override;
  [[nodiscard]] std::unique_ptr<DeviceClock> make_clock(std::size_t points) override;
  void write(Buffer to, const double* from) override;
  void read(Buffer from, double* to) const override;
  void upload(Buffer to, const std::byte* from) override;
  void download(Buffer from, std::byte* to) const override;

  [[nodiscard]] int index() const { return index_; }
  [[nodiscard]] cudaStream_t stream() const;

 private:
  struct Parts;
  int index_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace foreshard
