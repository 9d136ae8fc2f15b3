#include "runtime/device/reference_device.hpp"

#include <variant>

#include "runtime/device/check_call.hpp"
#include "runtime/device/host_memory.hpp"
#include "runtime/device/host_numbers.hpp"
#include "runtime/kernels/reference/reference_kernels.hpp"

namespace foreshard {

std::string ReferenceDevice::name() const { return "plain loops in fp64"; }

std::int64_t ReferenceDevice::element_bytes(DType type) const {
  if (type == DType::int32 || type == DType::uint8) return size_in_bytes(type);
  return size_in_bytes(DType::fp64);
}

std::unique_ptr<DeviceMemory> ReferenceDevice::allocate(std::int64_t bytes) {
  return allocate_host_memory(bytes);
}

void ReferenceDevice::run(const KernelCall& call) {
  check_call(call);
  std::visit([](const auto& kind) { reference::run<double>(kind); }, call);
}

void ReferenceDevice::write(DType type, Buffer to, const double* from) {
  switch (type) {
    case DType::int32: return write_numbers<std::int32_t>(to, from);
    case DType::uint8: return write_numbers<std::uint8_t>(to, from);
    default: return write_numbers<double>(to, from);
  }
}

void ReferenceDevice::read(DType type, Buffer from, double* to) const {
  switch (type) {
    case DType::int32: return read_numbers<std::int32_t>(from, to);
    case DType::uint8: return read_numbers<std::uint8_t>(from, to);
    default: return read_numbers<double>(from, to);
  }
}

}  // namespace foreshard
