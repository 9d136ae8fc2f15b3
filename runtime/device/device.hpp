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

/// When a device reached certain points of its work.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;
  /// This point comes after all that was handed in so far. Marked again, it is forgotten where it was.
  /// Allocates nothing. @pre point < the points of the clock
  virtual void mark(std::size_t point) = 0;
  /// When a marked point was reached, in nanoseconds since a beginning of the clock's own.
  /// @pre Device::finish() was called since
  [[nodiscard]] virtual std::int64_t nanoseconds(std::size_t point) const = 0;
};

/// Where kernels run and tensors live. Nothing above this interface knows which device it is.
class Device {
 public:
  virtual ~Device() = default;

  /// As reports name it: "AMD EPYC, 1 thread, OpenBLAS 0.3.21".
  [[nodiscard]] virtual std::string name() const = 0;
  /// How this device keeps tensors of a dtype: a reference device may keep more digits than asked.
  /// @throws std::invalid_argument naming a dtype that it does not know
  [[nodiscard]] virtual DType stored_as(DType type) const = 0;

  /// Uninitialised memory, aligned to 64 bytes. @throws std::runtime_error that says how much was asked for
  [[nodiscard]] virtual std::unique_ptr<DeviceMemory> allocate(std::int64_t bytes) = 0;

  /// Hands in one kernel; calls take effect in the order in which they are made. It may still run when this
  /// returns. Allocates nothing.
  /// @throws std::invalid_argument where a buffer has another size than the call says, naming both
  virtual void run(const KernelCall& call) = 0;
  /// Returns when all that was handed in is done.
  virtual void finish() = 0;
  /// A clock that tells when the device was done with what had been handed in at each of `points` marks.
  [[nodiscard]] virtual std::unique_ptr<DeviceClock> make_clock(std::size_t points) = 0;

  /// Copies numbers in and out, as doubles: for setting weights, and for looking at results. Integers as they
  /// are. In order with the kernels; both return when the numbers have been copied.
  virtual void write(Buffer to, const double* from) = 0;
  virtual void read(Buffer from, double* to) const = 0;
  /// Copies a buffer's bytes in and out as they are, from and to memory of the host; like write and read.
  virtual void upload(Buffer to, const std::byte* from) = 0;
  virtual void download(Buffer from, std::byte* to) const = 0;
};

}  // namespace foreshard
