#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/units/count.hpp"

namespace foreshard {

/// A GPU of this machine.
struct LocalGpu {
  std::string name;  ///< "NVIDIA H100 80GB HBM3"
  Bytes memory;
  Bytes free;
  std::int64_t multiprocessors = 0;
  std::string architecture;  ///< "sm_90"
  bool is_built_for = true;  ///< this build has machine code for it
};

/// The libraries for GPUs, as "name version".
struct GpuLibraries {
  std::string driver;  ///< the newest CUDA version that the driver supports; empty if there is no driver
  std::string cuda;
  std::string cublaslt;
  std::string nccl;
  std::string cudnn;  ///< empty if this program was built without it
};

/// The result of `devices`: what jobs can run on in this machine.
struct LocalDevices {
  std::string processor;
  std::int64_t cores = 0;  ///< for this rank
  std::string mpi;
  std::vector<LocalGpu> gpus{};
  std::string why_no_gpu{};  ///< why GPUs could not be searched; empty if they could
  std::optional<GpuLibraries> libraries{};
};

}  // namespace foreshard
