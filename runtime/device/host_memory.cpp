#include "runtime/device/host_memory.hpp"

#include <cstddef>
#include <new>
#include <stdexcept>

#include <fmt/format.h>

namespace foreshard {
namespace {

constexpr std::align_val_t kHostAlignment{64};  // bytes: a cache line, and the widest vector

class HostMemory : public DeviceMemory {
 public:
  explicit HostMemory(std::size_t bytes)
      : data_(static_cast<std::byte*>(::operator new(bytes, kHostAlignment, std::nothrow))) {}
  ~HostMemory() override { ::operator delete(data_, kHostAlignment); }
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  [[nodiscard]] std::byte* data() const override { return data_; }

 private:
  std::byte* data_;
};

}  // namespace

std::unique_ptr<DeviceMemory> allocate_host_memory(std::int64_t bytes) {
  if (bytes < 0) throw std::runtime_error(fmt::format("cannot allocate {} bytes", bytes));
  auto memory = std::make_unique<HostMemory>(static_cast<std::size_t>(bytes));
  if (memory->data() == nullptr) {
    throw std::runtime_error(fmt::format("the host has no {} bytes of memory left", bytes));
  }
  return memory;
}

}  // namespace foreshard
