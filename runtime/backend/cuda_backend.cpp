// The entry point of libforeshard-cuda.so.
#include "runtime/backend/cuda_backend.hpp"

#include <fmt/format.h>

#include "runtime/comm/nccl/nccl_check.hpp"
#include "runtime/comm/nccl/nccl_communicator.hpp"
#include "runtime/cuda/cuda_check.hpp"
#include "runtime/device/cuda/cuda_device.hpp"
#include "runtime/kernels/cuda/cuda_kernels.hpp"

namespace foreshard {
namespace {

std::string cuda_version_words(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

std::string library_version_words(std::size_t version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

GpuInfo gpu_info(int index) {
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
  check_cuda(cudaSetDevice(index), "cudaSetDevice");
  std::size_t free = 0;
  std::size_t total = 0;
  check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return {.name = properties.name,
          .memory = Bytes(static_cast<std::int64_t>(total)),
          .free = Bytes(static_cast<std::int64_t>(free)),
          .multiprocessors = properties.multiProcessorCount,
          .architecture = fmt::format("sm_{}{}", properties.major, properties.minor),
          .is_built_for = cuda::is_built_for_current_gpu()};
}

class Backend final : public CudaBackend {
 public:
  [[nodiscard]] std::vector<GpuInfo> gpus() const override {
    int count = 0;
    check_cuda(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
    std::vector<GpuInfo> found;
    for (int i = 0; i < count; ++i) found.push_back(gpu_info(i));
    return found;
  }

  [[nodiscard]] CudaVersions versions() const override {
    CudaVersions versions;
    int version = 0;
    if (cudaDriverGetVersion(&version) == cudaSuccess && version > 0)
      versions.driver = cuda_version_words(version);
    check_cuda(cudaRuntimeGetVersion(&version), "cudaRuntimeGetVersion");
    versions.runtime = cuda_version_words(version);
    versions.cublaslt = library_version_words(cublasLtGetVersion());
    versions.nccl = nccl_version();
    if (const std::size_t cudnn = cuda::cudnn_version(); cudnn > 0)
      versions.cudnn = library_version_words(cudnn);
    return versions;
  }

  [[nodiscard]] std::unique_ptr<Device> make_device(int index) const override {
    return std::make_unique<CudaDevice>(index);
  }

  [[nodiscard]] std::unique_ptr<Communicator> make_communicator(const MpiSession& session,
                                                                const DeviceMesh& mesh,
                                                                Device& device) const override {
    return std::make_unique<NcclCommunicator>(session, mesh, dynamic_cast<CudaDevice&>(device));
  }
};

}  // namespace
}  // namespace foreshard

extern "C" __attribute__((visibility("default"))) const foreshard::CudaBackend* foreshard_cuda_backend();

const foreshard::CudaBackend* foreshard_cuda_backend() {
  static const foreshard::Backend backend;
  return &backend;
}
