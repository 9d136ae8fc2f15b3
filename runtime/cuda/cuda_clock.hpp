#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/cuda/cuda_event.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// Times are differences to the first point that was marked after the clock had been read, so that they keep
/// their digits however long the process runs: CUDA gives them as floats of milliseconds.
class CudaClock final : public DeviceClock {
 public:
  /// @param stream  of the kernels
  CudaClock(cudaStream_t stream, std::size_t points) : stream_(stream) {
    points_.reserve(points);
    for (std::size_t i = 0; i < points; ++i) points_.emplace_back(CudaEvent::Use::timing);
  }
  void mark(std::size_t point) override { mark(point, stream_); }
  /// Comes after all that was handed in to this stream. The first point since the clock was read is one of
  /// the kernels' stream.
  void mark(std::size_t point, cudaStream_t stream) {
    if (is_read_) first_ = point;
    is_read_ = false;
    points_[point].record(stream);
  }
  [[nodiscard]] std::int64_t nanoseconds(std::size_t point) const override {
    is_read_ = true;
    float milliseconds = 0.0F;
    check_cuda(cudaEventElapsedTime(&milliseconds, points_[first_].get(), points_[point].get()),
               "cudaEventElapsedTime");
    return static_cast<std::int64_t>(1e6 * static_cast<double>(milliseconds));
  }

 private:
  cudaStream_t stream_;
  std::vector<CudaEvent> points_;
  std::size_t first_ = 0;
  mutable bool is_read_ = true;
};

}  // namespace foreshard
