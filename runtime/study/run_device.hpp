#pragma once

#include <memory>
#include <optional>
#include <string>

#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// Why this rank cannot run a job for this accelerator, and what to do; none if it can.
std::optional<std::string> device_complaint(const AcceleratorSpec& accelerator);

/// Makes the device on which a rank runs jobs for an accelerator: the host's cores if the accelerator is
/// `cpu`, else a GPU.
/// @param threads  per rank; 0: the rank's share of the cores
/// @pre device_complaint finds nothing wrong
std::unique_ptr<Device> make_device(const MpiSession& session, const AcceleratorSpec& accelerator,
                                    int threads);

/// Makes the communicator of a run on such devices: MPI between CPUs, NCCL between GPUs, or MPI through the
/// host's memory if ranks share a GPU.
std::unique_ptr<Communicator> make_communicator(const MpiSession& session, const JobSpec& job,
                                                const DeviceMesh& mesh, Device& device);

/// A remark if a host has more ranks than GPUs; else none.
std::optional<std::string> shared_gpu_remark(const MpiSession& session, const JobSpec& job);

}  // namespace foreshard
