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
  std::string driver;  ///< the newest CUDA that it can run; empty where there is none
  std::string cuda;
  std::string cublaslt;
  std::string nccl;
  std::string cudnn;  ///< empty where this was built without
};

/// What `devices` answers: what jobs can run on here.
struct LocalDevices {
  std::string processor;
  std::int64_t cores = 0;  ///< for this rank
  std::string mpi;
  std::vector<LocalGpu> gpus{};
  std::string why_no_gpu{};  ///< empty where GPUs could be looked for
  std::optional<GpuLibraries> libraries{};
};

}  // namespace foreshard
