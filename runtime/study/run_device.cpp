#include "runtime/study/run_device.hpp"

#include <exception>

#include <fmt/format.h>

#include "runtime/backend/load_cuda_backend.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/comm/staged_communicator.hpp"
#include "runtime/device/cpu/cpu_device.hpp"

namespace foreshard {
namespace {

std::int64_t count_gpus() { return static_cast<std::int64_t>(cuda_backend().gpus().size()); }

}  // namespace

std::optional<std::string> device_complaint(const AcceleratorSpec& accelerator) {
  if (accelerator.is_cpu) return std::nullopt;
  try {
    if (count_gpus() > 0) return std::nullopt;
  } catch (const std::exception& error) {
    return fmt::format(
        "a job for {}, and there is no GPU to run it on: {}\nTo run it on this machine's processor say "
        "cluster: laptop in the job, or --cluster with a file that foreshard-run calibrate has written",
        accelerator.full_name, error.what());
  }
  return fmt::format("a job for {}, and this machine has no GPU", accelerator.full_name);
}

std::unique_ptr<Device> make_device(const MpiSession& session, const AcceleratorSpec& accelerator,
                                    int threads) {
  if (!accelerator.is_cpu)
    return cuda_backend().make_device(static_cast<int>(session.local_rank() % count_gpus()));
  return std::make_unique<CpuDevice>(threads > 0 ? threads : static_cast<int>(session.threads_per_rank()));
}

std::unique_ptr<Communicator> make_communicator(const MpiSession& session, const JobSpec& job,
                                                const DeviceMesh& mesh, Device& device) {
  auto mpi = std::make_unique<MpiCommunicator>(session, mesh);
  if (job.cluster.accelerator.is_cpu) return mpi;
  if (shared_gpu_remark(session, job)) return std::make_unique<StagedCommunicator>(std::move(mpi), device);
  return cuda_backend().make_communicator(session, mesh, device);
}

std::optional<std::string> shared_gpu_remark(const MpiSession& session, const JobSpec& job) {
  if (job.cluster.accelerator.is_cpu || session.local_ranks() <= count_gpus()) return std::nullopt;
  return fmt::format(
      "{} ranks share {} GPU{} of {} and talk through its memory: what they compute is right, but the "
      "times say nothing",
      session.local_ranks(), count_gpus(), count_gpus() == 1 ? "" : "s", session.host());
}

}  // namespace foreshard
