#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "planner/topology/device_mesh.hpp"
#include "planner/units/count.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// A GPU of this machine.
struct GpuInfo {
  std::string name;  ///< "NVIDIA H100 80GB HBM3"
  Bytes memory;
  Bytes free;
  int multiprocessors = 0;
  std::string architecture;  ///< "sm_90"
  bool is_built_for = true;  ///< this build has machine code for it
};

/// The versions of CUDA's libraries that the runtime on GPUs was built with and has loaded: "12.8".
struct CudaVersions {
  std::string driver;  ///< the newest CUDA that the driver supports; empty without a driver
  std::string runtime;
  std::string cublaslt;
  std::string nccl;
  std::string cudnn;  ///< empty if this was built without cuDNN
};

/// The runtime on GPUs. It is a library of its own (libforeshard-cuda.so), loaded when a job asks for GPUs,
/// so that foreshard-run starts on machines without CUDA.
class CudaBackend {
 public:
  virtual ~CudaBackend() = default;
  /// @throws CudaError (a std::runtime_error) if there is no driver or no GPU; the message says what to do
  [[nodiscard]] virtual std::vector<GpuInfo> gpus() const = 0;
  [[nodiscard]] virtual CudaVersions versions() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Device> make_device(int index) const = 0;
  /// NCCL between the ranks' GPUs. @pre make_device made `device`; no other rank uses the same GPU
  [[nodiscard]] virtual std::unique_ptr<Communicator> make_communicator(const MpiSession& session,
                                                                        const DeviceMesh& mesh,
                                                                        Device& device) const = 0;
};

/// The name of the function that libforeshard-cuda.so exports: `const CudaBackend* foreshard_cuda_backend()`.
inline constexpr const char* kCudaBackendEntry = "foreshard_cuda_backend";

}  // namespace foreshard
