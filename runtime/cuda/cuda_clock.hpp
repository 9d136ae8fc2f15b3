#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/cuda/cuda_event.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// Times of events. CUDA gives a time as the difference between two events, in milliseconds as a float. To
/// keep the differences small and their digits exact, times are relative to the first point marked since the
/// clock was last read.
class CudaClock final : public DeviceClock {
 public:
  /// @param stream  the stream of the kernels
  CudaClock(cudaStream_t stream, std::size_t points) : stream_(stream) {
    points_.reserve(points);
    for (std::size_t i = 0; i < points; ++i) points_.emplace_back(CudaEvent::Use::timing);
  }
  void mark(std::size_t point) override { mark(point, stream_); }
  /// Marks the point when everything enqueued on `stream` so far is done. The first point marked since the
  /// clock was read must be on the kernels' stream.
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
