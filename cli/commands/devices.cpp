#include "cli/commands/devices.hpp"

#include <exception>
#include <string>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "runtime/backend/load_cuda_backend.hpp"
#include "runtime/device/cpu/cpu_device.hpp"

namespace foreshard::cli {
namespace {

std::string gpu_lines(const std::vector<GpuInfo>& gpus) {
  std::string text;
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    const GpuInfo& gpu = gpus[i];
    text += fmt::format("GPU {}       {}, {}, {} free, {} multiprocessors, {}\n", i, gpu.name,
                        report::with_unit(gpu.memory), report::with_unit(gpu.free), gpu.multiprocessors,
                        gpu.architecture);
    if (!gpu.is_built_for)
      text += fmt::format(
          "            this build has no code for {}: build with cmake -DCMAKE_CUDA_ARCHITECTURES=native\n",
          gpu.architecture);
  }
  return text.empty() ? "GPUs        none\n" : text;
}

std::string version_line(const CudaVersions& versions) {
  const std::string driver =
      versions.driver.empty() ? "no driver" : "driver for CUDA up to " + versions.driver;
  const std::string cudnn =
      versions.cudnn.empty() ? "no cuDNN: attention runs on a slow kernel" : "cuDNN " + versions.cudnn;
  return fmt::format("CUDA        {}, {}, cuBLASLt {}, NCCL {}, {}\n", versions.runtime, driver,
                     versions.cublaslt, versions.nccl, cudnn);
}

/// What is wrong stands in one line, what to do in the next.
std::string indented(std::string text) {
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    text.replace(at, 1, "\n            ");
  return text;
}

std::string gpu_report() {
  std::string text;
  try {
    const CudaBackend& backend = cuda_backend();
    text = version_line(backend.versions());
    return gpu_lines(backend.gpus()) + text;
  } catch (const std::exception& error) {
    return fmt::format("GPUs        none: {}\n", indented(error.what())) + text;
  }
}

CommandResult run_devices(const MpiSession& session) {
  const CpuDevice processor(1);
  return {.output = fmt::format("processor   {}; {} core{} for this rank\n", processor.name(),
                                session.own_cores(), session.own_cores() == 1 ? "" : "s") +
                    fmt::format("MPI         {}\n", session.library()) + gpu_report(),
          .code = ExitCode::done};
}

}  // namespace

RunCommand devices_command() {
  return {.spec = {.name = "devices",
                   .summary = "Say what jobs can run on here, and why something was not found.",
                   .examples = "foreshard-run devices\n"},
          .run = [](MpiSession& session) { return run_devices(session); }};
}

}  // namespace foreshard::cli
