#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "planner/units/dtype.hpp"
#include "runtime/device/kernel_call.hpp"

namespace foreshard {

/// Memory of a device, freed with its owner.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  [[nodiscard]] virtual std::byte* data() const = 0;
};

/// Tells when a device reached certain points of its work.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;
  /// Marks a point: it is reached when all work enqueued so far is done. Marking it again overwrites it.
  /// Allocates nothing. @pre point < the number of points of the clock
  virtual void mark(std::size_t point) = 0;
  /// When a marked point was reached, in nanoseconds since some time that is fixed for the marks of one
  /// reading.
  /// @pre Device::finish() was called after the mark
  [[nodiscard]] virtual std::int64_t nanoseconds(std::size_t point) const = 0;
};

/// Runs kernels and holds tensors. Code above this interface does not know which device it is.
class Device {
 public:
  virtual ~Device() = default;

  /// The name in reports: "AMD EPYC, 1 thread, OpenBLAS 0.3.21".
  [[nodiscard]] virtual std::string name() const = 0;
  /// The dtype in which this device stores tensors of a dtype: the reference device stores bf16 as fp64.
  /// @throws std::invalid_argument with the dtype if the device cannot store it
  [[nodiscard]] virtual DType stored_as(DType type) const = 0;

  /// Uninitialised memory, aligned to 64 bytes. @throws std::runtime_error with the bytes wanted
  [[nodiscard]] virtual std::unique_ptr<DeviceMemory> allocate(std::int64_t bytes) = 0;

  /// Enqueues one kernel, which may still run when this returns. Kernels take effect in the order of the
  /// calls. Later calls of the same shape allocate nothing.
  /// @throws std::invalid_argument with both sizes if a buffer does not have the size that the call needs
  virtual void run(const KernelCall& call) = 0;
  /// Returns when all enqueued work is done.
  virtual void finish() = 0;
  /// A clock with `points` points.
  [[nodiscard]] virtual std::unique_ptr<DeviceClock> make_clock(std::size_t points) = 0;

  /// Copies numbers into and out of a buffer, converted from and to doubles: for initial weights and for
  /// reading results. The copy takes its place in the order of the kernels; both return when it is done.
  virtual void write(Buffer to, const double* from) = 0;
  virtual void read(Buffer from, double* to) const = 0;
  /// The same without conversion: copies a buffer's bytes from and to host memory.
  virtual void upload(Buffer to, const std::byte* from) = 0;
  virtual void download(Buffer from, std::byte* to) const = 0;
};

}  // namespace foreshard
