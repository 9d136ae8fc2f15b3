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

/// Where kernels run and tensors live. Nothing above this interface knows which device it is.
class Device {
 public:
  virtual ~Device() = default;

  /// As reports name it: "AMD EPYC, 1 thread, OpenBLAS 0.3.21".
  [[nodiscard]] virtual std::string name() const = 0;
  /// Bytes that one element of this dtype takes here: a reference device may keep more digits than asked.
  [[nodiscard]] virtual std::int64_t element_bytes(DType type) const = 0;

  /// Uninitialised memory, aligned to 64 bytes. @throws std::runtime_error that says how much was asked for
  [[nodiscard]] virtual std::unique_ptr<DeviceMemory> allocate(std::int64_t bytes) = 0;

  /// Runs one kernel; calls take effect in the order in which they are made. Allocates nothing.
  /// @throws std::invalid_argument where a buffer has another size than the call says, naming both
  virtual void run(const KernelCall& call) = 0;

  /// Copies numbers in and out, as doubles: for setting weights, and for looking at results. Integers as they
  /// are.
  virtual void write(DType type, Buffer to, const double* from) = 0;
  virtual void read(DType type, Buffer from, double* to) const = 0;
};

}  // namespace foreshard
