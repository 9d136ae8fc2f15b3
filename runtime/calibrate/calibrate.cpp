#include "runtime/calibrate/calibrate.hpp"

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "planner/spec/types/names.hpp"
#include "runtime/calibrate/measure_kernels.hpp"
#include "runtime/calibrate/measure_links.hpp"
#include "runtime/comm/available_memory.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/device/cpu/cpu_device.hpp"

namespace foreshard {
namespace {

/// The link that cannot be measured if all ranks share a host, or if each has its own. The accelerator file
/// needs a figure.
constexpr LinkSpec kUnmeasured{
    .bandwidth = BytesPerSecond(125e6), .efficiency = 0.9, .latency = Seconds(50e-6)};
constexpr const char* kUnmeasuredSource =
    "a guess, for nothing was there to measure: Gigabit Ethernet; calibrate on several hosts replaces it";

struct Budgets {
  Seconds probe;  ///< for the steps of one probe
  Seconds link;   ///< for one operation of one size
};
Budgets budgets(CalibrationEffort effort) {
  if (effort == CalibrationEffort::quick) return {.probe = Seconds(1.5), .link = Seconds(0.1)};
  return {.probe = Seconds(4.5), .link = Seconds(0.3)};
}

class Calibrator {
 public:
  Calibrator(const MpiSession& session, const CalibrationOptions& options)
      : session_(session),
        options_(options),
        layout_(host_layout(session.hosts())),
        device_(options.threads),
        wide_(session, everyone(session)) {}

  Calibration run() {
    calibration_.cluster.name = options_.name;
    describe_memory();
    fit_device();
    fit_links();
    describe_sources();
    return std::move(calibration_);
  }

 private:
  static DeviceMesh everyone(const MpiSession& session) {
    ParallelismSpec degrees;
    degrees.dp = session.size();
    return DeviceMesh(degrees);
  }

  [[nodiscard]] AcceleratorSpec& accelerator() { return calibration_.cluster.accelerator; }

  void say(const char* what, int done, int of) const {
    if (options_.progress) options_.progress(what, done, of);
  }

  /// A rank's share of its host's available memory; the minimum over all hosts.
  void describe_memory() {
    const double share = available_memory().as_double() / static_cast<double>(session_.local_ranks());
    const double least = -wide_.max_over_world(-share);
    constexpr double kUnit = kMebi;
    accelerator().memory_capacity = Bytes(static_cast<std::int64_t>(least / kUnit) << 20);
  }

  void fit_device() {
    AcceleratorSpec& spec = accelerator();
    spec.name = options_.name + "-rank";
    spec.full_name = device_.name();
    spec.is_cpu = true;
    spec.multiprocessors = options_.threads;
    KernelBudget budget{.time = budgets(options_.effort).probe};
    budget.memory = Bytes(static_cast<std::int64_t>(kMeasuringShare * spec.memory_capacity.as_double()));
    budget.progress = [this](int done, int of) { say("measuring kernels", done, of); };
    const std::vector<JobSpec> probes = kernel_probes(options_.effort, options_.precision);
    say("measuring kernels", 0, static_cast<int>(probes.size()));
    const DType products = options_.precision == Precision::bf16 ? DType::bf16 : DType::fp32;
    calibration_.kernels =
        fit_kernels(measure_kernels(probes, device_, wide_, budget), spec, {.products = products});
    for (const ConstantGroup group :
         {ConstantGroup::products, ConstantGroup::attention, ConstantGroup::passes})
      spec.confidence[static_cast<std::size_t>(group)] = Confidence::measured_sustained;
  }

  [[nodiscard]] LinkEnds over_mpi() {
    return {.device = device_, .connect = [this](const DeviceMesh& mesh) {
              return std::make_unique<MpiCommunicator>(session_, mesh);
            }};
  }

  void fit_links() {
    const LinkMeasurements measured =
        measure_links(session_, over_mpi(), {.each = budgets(options_.effort).link},
                      [this](int done, int of) { say("measuring links", done, of); });
    ClusterSpec& cluster = calibration_.cluster;
    cluster.devices_per_node = layout_.ranks_per_host;
    cluster.nodes = layout_.hosts;
    cluster.network.link = kUnmeasured;
    if (!measured.network.empty()) {
      FittedLink fitted = fit_link(measured.network);
      cluster.network.link = fitted.link;
      calibration_.network = std::move(fitted.fits);
    }
    cluster.fabric = NodeFabric::none;
    cluster.link = cluster.network.link;
    if (!measured.in_node.empty()) {
      FittedLink fitted = fit_link(measured.in_node);
      cluster.fabric = NodeFabric::shared_memory;
      cluster.link = fitted.link;
      calibration_.link = std::move(fitted.fits);
    }
    accelerator().node = {.devices = cluster.devices_per_node,
                          .fabric = cluster.fabric,
                          .link = cluster.link,
                          .network = cluster.network.link,
                          .nccl = {}};
  }

  void describe_sources() {
    const std::string hosts =
        layout_.hosts == 1 ? session_.host()
                           : fmt::format("{} and {} more", session_.hosts().front(), layout_.hosts - 1);
    const std::string ranks =
        fmt::format("{} rank{} at the same time", session_.size(), session_.size() == 1 ? "" : "s");
    const std::string threads =
        fmt::format("{} thread{} each", options_.threads, options_.threads == 1 ? "" : "s");
    const std::string where = fmt::format("measured on {}, {}, {}, {}", hosts, options_.date, ranks, threads);
    std::size_t kernels = 0;
    for (const FamilyFit& fit : calibration_.kernels) kernels += static_cast<std::size_t>(fit.kernels);
    const std::string medians = fmt::format("{}; fitted to medians of {} kernels inside steps in {}", where,
                                            kernels, word_of(options_.precision));

    FigureSources& sources = calibration_.sources;
    sources.memory = where +
                     "; capacity: available memory over ranks of a host; bandwidth: what large tensors "
                     "approach in the quickest kind of pass";
    sources.multiprocessors = fmt::format("threads of a rank, {}", options_.date);
    sources.gemm = where + "; peak: the best rate that any product reached or that large ones approach";
    sources.kernels = medians;
    sources.attention = medians;
    const std::string links =
        fmt::format("{}; fitted to medians of collectives and transfers, {}", where, wide_.name());
    sources.link = calibration_.link.empty() ? std::string(kUnmeasuredSource) : links;
    sources.network = calibration_.network.empty() ? std::string(kUnmeasuredSource) : links;
    if (calibration_.link.empty() && !calibration_.network.empty())
      sources.link = links + "; each rank has a host to itself";
    accelerator().source = medians;
    calibration_.comment = fmt::format(
        "Measured by foreshard-run calibrate on {}, {}.\n{} on {} host{}, {}: {}.\nforeshard {}, {}.", hosts,
        options_.date, ranks, layout_.hosts, layout_.hosts == 1 ? "" : "s", threads, device_.name(),
        options_.version, wide_.name());
  }

  const MpiSession& session_;
  const CalibrationOptions& options_;
  HostLayout layout_;
  CpuDevice device_;
  MpiCommunicator wide_;
  Calibration calibration_;
};

}  // namespace

Calibration calibrate(const MpiSession& session, const CalibrationOptions& options) {
  return Calibrator(session, options).run();
}

}  // namespace foreshard
