#include "runtime/device/cpu/cpu_device.hpp"

#include <fstream>
#include <stdexcept>
#include <string>
#include <variant>

#include <fmt/format.h>

#include "planner/spec/types/names.hpp"
#include "runtime/device/check_call.hpp"
#include "runtime/device/host_clock.hpp"
#include "runtime/device/host_memory.hpp"
#include "runtime/device/host_numbers.hpp"
#include "runtime/kernels/cpu/blas.hpp"
#include "runtime/kernels/cpu/cpu_kernels.hpp"

namespace foreshard {
namespace {

/// The processor's name from /proc/cpuinfo: "AMD EPYC 7763 64-Core Processor". "CPU" if there is none.
std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "CPU";
}

}  // namespace

struct CpuDevice::Parts {
  explicit Parts(int threads) : context(threads) {}
  cpu::Context context;
};

CpuDevice::CpuDevice(int threads) {
  if (threads < 1) throw std::invalid_argument(fmt::format("a CPU device needs a thread, not {}", threads));
  if (threads > 1 && !cpu::blas_serves_several_threads()) {
    throw std::runtime_error(fmt::format(
        "{} here is its serial variant, which {} threads of a rank cannot share; run with one thread per "
        "rank, or install the pthread or OpenMP variant (Debian: libopenblas0-pthread)",
        cpu::blas_name(), threads));
  }
  parts_ = std::make_unique<Parts>(threads);
  parts_->context.pool.run([](int /*thread*/) { cpu::use_blas_on_this_thread(); });
}

CpuDevice::~CpuDevice() = default;

std::string CpuDevice::name() const {
  const int threads = parts_->context.pool.threads();
  const std::string bf16 = parts_->context.onednn == nullptr ? "" : fmt::format(", {}", cpu::onednn_name());
  return fmt::format("{}, {} thread{}, {}{}, {} loops", processor_name(), threads, threads == 1 ? "" : "s",
                     cpu::blas_name(), bf16, parts_->context.loops.name);
}

DType CpuDevice::stored_as(DType type) const {
  switch (type) {
    case DType::fp32:
    case DType::tf32: return DType::fp32;
    case DType::bf16:
    case DType::int32:
    case DType::uint8: return type;
    case DType::fp8:
    case DType::fp8_rowwise:
    case DType::fp8_block:
    case DType::mxfp8: return DType::uint8;
    default:
      throw std::invalid_argument(
          fmt::format("the CPU device computes in fp32 and bf16 and keeps no {}", word_of(type)));
  }
}

std::unique_ptr<DeviceMemory> CpuDevice::allocate(std::int64_t bytes) { return allocate_host_memory(bytes); }

void CpuDevice::run(const KernelCall& call) {
  check_call(call);
  std::visit([this](const auto& kind) { cpu::run(parts_->context, kind); }, call);
}

std::unique_ptr<DeviceClock> CpuDevice::make_clock(std::size_t points) {
  return std::make_unique<HostClock>(points);
}

void CpuDevice::write(Buffer to, const double* from) { write_numbers(to, from); }
void CpuDevice::read(Buffer from, double* to) const { read_numbers(from, to); }
void CpuDevice::upload(Buffer to, const std::byte* from) { copy_bytes(to.data, from, to.bytes()); }
void CpuDevice::download(Buffer from, std::byte* to) const { copy_bytes(to, from.data, from.bytes()); }

}  // namespace foreshard
