#include "runtime/study/find_devices.hpp"

#include <exception>

#include "runtime/backend/cuda_backend.hpp"
#include "runtime/backend/load_cuda_backend.hpp"
#include "runtime/device/cpu/cpu_device.hpp"

namespace foreshard {
namespace {

GpuLibraries libraries_of(const CudaVersions& versions) {
  return {.driver = versions.driver,
          .cuda = versions.runtime,
          .cublaslt = versions.cublaslt,
          .nccl = versions.nccl,
          .cudnn = versions.cudnn};
}

void find_gpus(LocalDevices& found) {
  try {
    const CudaBackend& backend = cuda_backend();
    found.libraries = libraries_of(backend.versions());
    for (const GpuInfo& gpu : backend.gpus())
      found.gpus.push_back({.name = gpu.name,
                            .memory = gpu.memory,
                            .free = gpu.free,
                            .multiprocessors = gpu.multiprocessors,
                            .architecture = gpu.architecture,
                            .is_built_for = gpu.is_built_for});
  } catch (const std::exception& error) {
    found.why_no_gpu = error.what();
  }
}

}  // namespace

LocalDevices find_devices(const MpiSession& session) {
  LocalDevices found;
  found.processor = CpuDevice(1).name();
  found.cores = static_cast<std::int64_t>(session.own_cores());
  found.mpi = session.library();
  find_gpus(found);
  return found;
}

}  // namespace foreshard
