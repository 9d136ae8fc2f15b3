#include <fmt/format.h>

#include "runtime/calibrate/calibrate.hpp"
#include "runtime/calibrate/measure_kernels.hpp"
#include "runtime/comm/mpi_communicator.hpp"

namespace foreshard {
namespace {

/// Of the accelerator's memory, what steps may take while they are measured.
constexpr double kMeasuringShare = 0.8;

KernelBudget budget_for(const AcceleratorSpec& accelerator, const CalibrationOptions& options) {
  const bool is_quick = options.effort == CalibrationEffort::quick;
  KernelBudget budget{.time = Seconds(is_quick ? 0.5 : 2.0)};
  budget.memory = Bytes(static_cast<std::int64_t>(kMeasuringShare * accelerator.memory_capacity.as_double()));
  budget.progress = [&options](int done, int of) {
    if (options.progress) options.progress("measuring kernels", done, of);
  };
  return budget;
}

FigureSources sources_of(const std::string& measured, const std::string& like) {
  const std::string kept = fmt::format("as {}", like);
  return {.memory = kept,
          .multiprocessors = kept,
          .gemm = fmt::format("peak: as {}; efficiency of bf16: {}", like, measured),
          .kernels = measured + "; what was not measured: " + kept,
          .attention = measured + ", as cudnn; other versions: " + kept,
          .link = kept,
          .network = kept};
}

}  // namespace

Calibration calibrate_gpu(const MpiSession& session, Device& device, const ClusterSpec& like,
                          const CalibrationOptions& options) {
  ParallelismSpec alone;
  MpiCommunicator wide(session, DeviceMesh(alone));
  Calibration calibration;
  calibration.cluster = like;
  calibration.cluster.name = options.name;
  AcceleratorSpec& accelerator = calibration.cluster.accelerator;
  accelerator.name = options.name + "-gpu";
  accelerator.full_name = like.accelerator.full_name + " as measured";
  const std::vector<JobSpec> probes = gpu_kernel_probes(options.effort);
  calibration.kernels =
      fit_kernels(measure_kernels(probes, device, wide, budget_for(like.accelerator, options)), accelerator,
                  {.products = DType::bf16, .flash = FlashVersion::cudnn, .keeps_datasheet = true});
  std::size_t kernels = 0;
  for (const FamilyFit& fit : calibration.kernels) kernels += static_cast<std::size_t>(fit.kernels);
  const std::string measured = fmt::format("fitted to medians of {} kernels inside steps, measured on {}, {}",
                                           kernels, session.host(), options.date);
  calibration.sources = sources_of(measured, like.name);
  accelerator.source = measured;
  calibration.comment = fmt::format(
      "Measured by foreshard-run calibrate on {}, {}: {}.\nKernels are this GPU's; links, prices and the "
      "rest are those "
      "of {}.\nforeshard {}.",
      session.host(), options.date, device.name(), like.name, options.version);
  return calibration;
}

}  // namespace foreshard
