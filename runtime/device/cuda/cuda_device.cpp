#include "runtime/device/cuda/cuda_device.hpp"

#include <variant>
#include <vector>

#include <fmt/format.h>

#include "planner/spec/types/names.hpp"
#include "runtime/cuda/cuda_clock.hpp"
#include "runtime/device/check_call.hpp"
#include "runtime/device/host_numbers.hpp"
#include "runtime/kernels/cuda/cuda_kernels.hpp"

namespace foreshard {
namespace {

class CudaMemory final : public DeviceMemory {
 public:
  explicit CudaMemory(std::int64_t bytes) : data_(allocate_on_gpu(bytes)) {}
  ~CudaMemory() override { cudaFree(data_); }
  CudaMemory(const CudaMemory&) = delete;
  CudaMemory& operator=(const CudaMemory&) = delete;
  [[nodiscard]] std::byte* data() const override { return data_; }

 private:
  std::byte* data_;
};

std::string version_words(std::size_t version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

void select_device(int index) {
  int count = 0;
  check_cuda(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
  if (index >= count)
    throw CudaError(fmt::format("GPU {} is wanted, but this process sees {}\nhint: start one rank per GPU",
                                index, count));
  check_cuda(cudaSetDevice(index), "cudaSetDevice");
}

}  // namespace

struct CudaDevice::Parts {
  explicit Parts(int index) : context(index) {}
  cuda::Context context;
};

CudaDevice::CudaDevice(int index) : index_(index) {
  select_device(index);
  parts_ = std::make_unique<Parts>(index);
}

CudaDevice::~CudaDevice() = default;

cudaStream_t CudaDevice::stream() const { return parts_->context.stream(); }

std::string CudaDevice::name() const {
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, index_), "cudaGetDeviceProperties");
  int runtime = 0;
  check_cuda(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  std::string words = fmt::format("{}, CUDA {}.{}, cuBLASLt {}", properties.name, runtime / 1000,
                                  runtime % 1000 / 10, version_words(cublasLtGetVersion()));
  if (const std::size_t version = cuda::cudnn_version(); version > 0)
    words += fmt::format(", cuDNN {}", version_words(version));
  return words;
}

DType CudaDevice::stored_as(DType type) const {
  switch (type) {
    case DType::fp32:
    case DType::tf32: return DType::fp32;
    case DType::bf16:
    case DType::int32:
    case DType::uint8: return type;
    default: throw std::invalid_argument(fmt::format("the GPU runtime keeps no {}", word_of(type)));
  }
}

std::unique_ptr<DeviceMemory> CudaDevice::allocate(std::int64_t bytes) {
  return std::make_unique<CudaMemory>(bytes);
}

void CudaDevice::run(const KernelCall& call) {
  check_call(call);
  std::visit([this](const auto& kind) { cuda::run(parts_->context, kind); }, call);
}

void CudaDevice::finish() { check_cuda(cudaStreamSynchronize(stream()), "cudaStreamSynchronize"); }

std::unique_ptr<DeviceClock> CudaDevice::make_clock(std::size_t points) {
  return std::make_unique<CudaClock>(stream(), points);
}

void CudaDevice::write(Buffer to, const double* from) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(to.bytes()));
  write_numbers({bytes.data(), to.elements, to.type}, from);
  upload(to, bytes.data());
}

void CudaDevice::read(Buffer from, double* to) const {
  std::vector<std::byte> bytes(static_cast<std::size_t>(from.bytes()));
  download(from, bytes.data());
  read_numbers({bytes.data(), from.elements, from.type}, to);
}

void CudaDevice::upload(Buffer to, const std::byte* from) {
  check_cuda(
      cudaMemcpyAsync(to.data, from, static_cast<std::size_t>(to.bytes()), cudaMemcpyHostToDevice, stream()),
      "cudaMemcpyAsync to the GPU");
  check_cuda(cudaStreamSynchronize(stream()), "cudaMemcpyAsync to the GPU");
}

void CudaDevice::download(Buffer from, std::byte* to) const {
  check_cuda(cudaMemcpyAsync(to, from.data, static_cast<std::size_t>(from.bytes()), cudaMemcpyDeviceToHost,
                             stream()),
             "cudaMemcpyAsync from the GPU");
  check_cuda(cudaStreamSynchronize(stream()), "cudaMemcpyAsync from the GPU");
}

}  // namespace foreshard
