#pragma once

#include <cstdint>
#include <memory>

#include "runtime/device/device.hpp"

namespace foreshard {

/// Memory of the host, uninitialised, aligned to 64 bytes.
/// @throws std::runtime_error that says how much was asked for
std::unique_ptr<DeviceMemory> allocate_host_memory(std::int64_t bytes);

}  // namespace foreshard
