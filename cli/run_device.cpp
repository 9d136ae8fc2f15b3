#include "cli/run_device.hpp"

#include <fmt/format.h>

#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/device/cpu_device.hpp"

namespace foreshard::cli {

std::optional<std::string> device_complaint(const AcceleratorSpec& accelerator) {
  if (accelerator.is_cpu) return std::nullopt;
  return fmt::format(
      "a job for {}; the runtime executes on CPUs: say cluster: laptop in the job, or --cluster "
      "with a file that foreshard-run calibrate has written",
      accelerator.full_name);
}

std::unique_ptr<Device> make_device(const MpiSession& session, const JobSpec& /*job*/, int threads) {
  return std::make_unique<CpuDevice>(threads > 0 ? threads : static_cast<int>(session.threads_per_rank()));
}

std::unique_ptr<Communicator> make_communicator(const MpiSession& session, const DeviceMesh& mesh,
                                                Device& /*device*/) {
  return std::make_unique<MpiCommunicator>(session, mesh);
}

}  // namespace foreshard::cli
