#include "planner/report/devices_table.hpp"

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

std::string gpu_lines(const std::vector<LocalGpu>& gpus) {
  std::string text;
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    const LocalGpu& gpu = gpus[i];
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

std::string library_line(const GpuLibraries& libraries) {
  const std::string driver =
      libraries.driver.empty() ? "no driver" : "driver for CUDA up to " + libraries.driver;
  const std::string cudnn =
      libraries.cudnn.empty() ? "no cuDNN: attention runs on a slow kernel" : "cuDNN " + libraries.cudnn;
  return fmt::format("CUDA        {}, {}, cuBLASLt {}, NCCL {}, {}\n", libraries.cuda, driver,
                     libraries.cublaslt, libraries.nccl, cudnn);
}

/// Indents a message whose first line says what is wrong and whose next line says what to do.
std::string indented(std::string text) {
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    text.replace(at, 1, "\n            ");
  return text;
}

}  // namespace

std::string devices_table(const LocalDevices& devices) {
  std::string text = fmt::format("processor   {}; {} for this rank\n", devices.processor,
                                 report::counted(devices.cores, "core"));
  text += fmt::format("MPI         {}\n", devices.mpi);
  text += devices.why_no_gpu.empty() ? gpu_lines(devices.gpus)
                                     : fmt::format("GPUs        none: {}\n", indented(devices.why_no_gpu));
  if (devices.libraries) text += library_line(*devices.libraries);
  return text;
}

}  // namespace foreshard
