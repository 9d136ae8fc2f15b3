#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <cuda_runtime_api.h>

#include "runtime/device/device.hpp"

namespace foreshard {

/// One GPU. Matrix products run in cuBLASLt, attention in cuDNN if it is available, everything else in the
/// kernels of runtime/kernels/cuda. Tensors are bf16, fp32 or integers; sums are in fp32. All kernels are
/// enqueued on one stream, in the order of the calls. The same calls give the same bits.
class CudaDevice : public Device {
 public:
  /// @param index  of the GPU, among those that this process sees
  /// @throws CudaError if there is no such GPU; the message says what to do
  explicit CudaDevice(int index);
  ~CudaDevice() override;
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  /// "NVIDIA H100 80GB HBM3, CUDA 13.0, cuBLASLt 13.1.0"
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] DType stored_as(DType type) const override;
  /// @throws CudaError with the bytes wanted and free
  [[nodiscard]] std::unique_ptr<DeviceMemory> allocate(std::int64_t bytes) override;
  /// The first call of a shape allocates tables and chooses an algorithm.
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
