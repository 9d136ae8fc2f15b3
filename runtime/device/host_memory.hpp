#pragma once

#include <cstdint>
#include <memory>

#include "runtime/device/device.hpp"

namespace foreshard {

/// Uninitialised host memory, aligned to 64 bytes. @throws std::runtime_error with the bytes wanted
std::unique_ptr<DeviceMemory> allocate_host_memory(std::int64_t bytes);

}  // namespace foreshard
