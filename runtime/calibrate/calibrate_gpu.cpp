#include <utility>

#include <fmt/format.h>

#include "runtime/calibrate/calibrate.hpp"
#include "runtime/calibrate/measure_kernels.hpp"
#include "runtime/calibrate/measure_links.hpp"
#include "runtime/comm/mpi_communicator.hpp"

namespace foreshard {
namespace {

KernelBudget budget_for(const AcceleratorSpec& accelerator, const CalibrationOptions& options) {
  const bool is_quick = options.effort == CalibrationEffort::quick;
  KernelBudget budget{.time = Seconds(is_quick ? 0.5 : 2.0)};
  budget.memory = Bytes(static_cast<std::int64_t>(kMeasuringShare * accelerator.memory_capacity.as_double()));
  budget.progress = [&options](int done, int of) {
    if (options.progress) options.progress("measuring kernels", done, of);
  };
  return budget;
}

/// Larger than for CPUs: a collective takes about 1 ms over NVLink when it takes 100 ms in a CPU's memory.
constexpr Bytes kLargestMessage{std::int64_t{1} << 28};

/// Fits the links between the ranks. The cluster then has the ranks' hosts and devices.
void fit_links(const MpiSession& session, const LinkEnds& ends, const CalibrationOptions& options,
               Calibration& calibration) {
  if (session.size() == 1) return;
  const bool is_quick = options.effort == CalibrationEffort::quick;
  const LinkMeasurements measured =
      measure_links(session, ends, {.each = Seconds(is_quick ? 0.1 : 0.3), .largest = kLargestMessage},
                    [&options](int done, int of) {
                      if (options.progress) options.progress("measuring links", done, of);
                    });
  ClusterSpec& cluster = calibration.cluster;
  const HostLayout layout = host_layout(session.hosts());
  cluster.nodes = layout.hosts;
  cluster.devices_per_node = layout.ranks_per_host;
  if (!measured.in_node.empty()) {
    FittedLink fitted = fit_link(measured.in_node, {.fabric = cluster.fabric, .nccl = cluster.nccl});
    cluster.link = fitted.link;
    calibration.link = std::move(fitted.fits);
  }
  if (!measured.network.empty()) {
    FittedLink fitted =
        fit_link(measured.network, {.fabric = cluster.fabric, .nccl = cluster.nccl, .across_nodes = true});
    cluster.network.link = fitted.link;
    calibration.network = std::move(fitted.fits);
  }
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

Calibration calibrate_gpu(const MpiSession& session, const LinkEnds& ends, const ClusterSpec& like,
                          const CalibrationOptions& options) {
  ParallelismSpec everyone;
  everyone.dp = session.size();
  MpiCommunicator wide(session, DeviceMesh(everyone));
  Calibration calibration;
  calibration.cluster = like;
  calibration.cluster.name = options.name;
  AcceleratorSpec& accelerator = calibration.cluster.accelerator;
  accelerator.name = options.name + "-gpu";
  accelerator.full_name = like.accelerator.full_name + " as measured";
  const std::vector<JobSpec> probes = gpu_kernel_probes(options.effort);
  calibration.kernels = fit_kernels(
      measure_kernels(probes, ends.device, wide, budget_for(like.accelerator, options)), accelerator,
      {.products = DType::bf16, .flash = FlashVersion::cudnn, .keeps_datasheet = true});
  for (const ConstantGroup group : {ConstantGroup::products, ConstantGroup::attention, ConstantGroup::passes})
    accelerator.confidence[static_cast<std::size_t>(group)] = Confidence::measured_sustained;
  fit_links(session, ends, options, calibration);
  std::size_t kernels = 0;
  for (const FamilyFit& fit : calibration.kernels) kernels += static_cast<std::size_t>(fit.kernels);
  const std::string measured = fmt::format("fitted to medians of {} kernels inside steps, measured on {}, {}",
                                           kernels, session.host(), options.date);
  calibration.sources = sources_of(measured, like.name);
  const std::string between =
      fmt::format("fitted to medians of NCCL's collectives and transfers between {} ranks, {}",
                  session.size(), options.date);
  if (!calibration.link.empty()) calibration.sources.link = between;
  if (!calibration.network.empty()) calibration.sources.network = between;
  accelerator.source = measured;
  calibration.comment = fmt::format(
      "Measured by foreshard-run calibrate on {}, {}: {} rank{}, {}.\nKernels{} are these GPUs'; the rest is "
      "as {}.\n"
      "foreshard {}.",
      session.host(), options.date, session.size(), session.size() == 1 ? "" : "s", ends.device.name(),
      session.size() == 1 ? "" : " and links between them", like.name, options.version);
  return calibration;
}

}  // namespace foreshard
