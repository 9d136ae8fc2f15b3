#include "runtime/device/reference/reference_device.hpp"

#include <variant>

#include "runtime/device/check_call.hpp"
#include "runtime/device/host_clock.hpp"
#include "runtime/device/host_memory.hpp"
#include "runtime/device/host_numbers.hpp"
#include "runtime/kernels/reference/reference_kernels.hpp"

namespace foreshard {

std::string ReferenceDevice::name() const { return "plain loops in fp64"; }

DType ReferenceDevice::stored_as(DType type) const {
  return type == DType::int32 || type == DType::uint8 ? type : DType::fp64;
}

std::unique_ptr<DeviceMemory> ReferenceDevice::allocate(std::int64_t bytes) {
  return allocate_host_memory(bytes);
}

void ReferenceDevice::run(const KernelCall& call) {
  check_call(call);
  std::visit([](const auto& kind) { reference::run<double>(kind); }, call);
}

std::unique_ptr<DeviceClock> ReferenceDevice::make_clock(std::size_t points) {
  return std::make_unique<HostClock>(points);
}

void ReferenceDevice::write(Buffer to, const double* from) { write_numbers(to, from); }
void ReferenceDevice::read(Buffer from, double* to) const { read_numbers(from, to); }
void ReferenceDevice::upload(Buffer to, const std::byte* from) { copy_bytes(to.data, from, to.bytes()); }
void ReferenceDevice::download(Buffer from, std::byte* to) const { copy_bytes(to, from.data, from.bytes()); }

}  // namespace foreshard
