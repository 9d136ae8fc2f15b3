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

/// What the runtime on GPUs was built with and has loaded, as "name version".
struct CudaVersions {
  std::string driver;  ///< the newest CUDA that it can run; empty where there is none
  std::string runtime;
  std::string cublaslt;
  std::string nccl;
  std::string cudnn;  ///< empty where this was built without
};

/// The runtime on GPUs, which lives in a library of its own so that programs start where CUDA is not
/// installed.
class CudaBackend {
 public:
  virtual ~CudaBackend() = default;
  /// @throws CudaError, which is a std::runtime_error, where there is no driver or no GPU, with what to do
  [[nodiscard]] virtual std::vector<GpuInfo> gpus() const = 0;
  [[nodiscard]] virtual CudaVersions versions() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Device> make_device(int index) const = 0;
  /// NCCL between the ranks' GPUs. @pre device is one that make_device made, and no other rank's GPU
  [[nodiscard]] virtual std::unique_ptr<Communicator> make_communicator(const MpiSession& session,
                                                                        const DeviceMesh& mesh,
                                                                        Device& device) const = 0;
};

/// The backend, loaded at the first call: from FORESHARD_CUDA_LIBRARY, from beside the program, or from
/// ../lib of it.
/// @throws std::runtime_error that says what is missing: the library itself, or one that it needs
const CudaBackend& cuda_backend();

/// The name of the function by which the library gives its backend: `const CudaBackend* f()`.
inline constexpr const char* kCudaBackendEntry = "foreshard_cuda_backend";

}  // namespace foreshard
