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

/// Why this rank cannot run a job for this accelerator, and what to do; none where it can.
std::optional<std::string> device_complaint(const AcceleratorSpec& accelerator);

/// What a rank runs jobs for an accelerator on: the host's cores where it is `cpu`, else a GPU of its own.
/// @param threads per rank; 0: the rank's share of the cores
/// @pre device_complaint finds nothing wrong
std::unique_ptr<Device> make_device(const MpiSession& session, const AcceleratorSpec& accelerator,
                                    int threads);

/// How the ranks of a run on such devices talk: MPI between processors, NCCL between GPUs, through the host
/// where ranks share a GPU.
std::unique_ptr<Communicator> make_communicator(const MpiSession& session, const JobSpec& job,
                                                const DeviceMesh& mesh, Device& device);

/// A remark where a host has more ranks than GPUs.
std::optional<std::string> shared_gpu_remark(const MpiSession& session, const JobSpec& job);

}  // namespace foreshard
