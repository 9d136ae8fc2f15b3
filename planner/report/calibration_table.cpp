#include "planner/report/calibration_table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

std::string name_of(const CalibratedFamily& family) {
  switch (family.place) {
    case CalibratedPlace::device: break;
    case CalibratedPlace::within_host: return family.name + ", within a host";
    case CalibratedPlace::across_hosts: return family.name + ", across hosts";
  }
  return family.name;
}

std::string reached(const CalibratedFamily& family) {
  if (family.rate) return report::with_unit(*family.rate);
  return family.bandwidth ? report::with_unit(*family.bandwidth) : "–";
}

bool has_place(const CalibrationResult& calibration, CalibratedPlace place) {
  return std::any_of(calibration.families.begin(), calibration.families.end(),
                     [&](const CalibratedFamily& family) { return family.place == place; });
}

std::string link_line(const char* what, const LinkSpec& link) {
  return fmt::format("{}: {}, {} per message\n", what, report::with_unit(link.bandwidth),
                     report::with_unit(link.latency));
}

}  // namespace

std::string calibration_table(const CalibrationResult& calibration) {
  const ClusterSpec& cluster = calibration.cluster;
  const AcceleratorSpec& device = cluster.accelerator;
  std::string text = fmt::format("{}: {} of {}, {}\n\n", cluster.name, report::counted(cluster.nodes, "host"),
                                 report::counted(cluster.devices_per_node, "rank"), device.full_name);

  report::Table table({{"measured", report::Align::left},
                       {"kernels"},
                       {"reached"},
                       {"fit error"},
                       {"residual"},
                       {"unsteady"}});
  for (const CalibratedFamily& family : calibration.families)
    table.row({name_of(family), fmt::format("{}", family.measured), reached(family),
               report::percent(family.mean_error), report::percent(family.residual),
               report::percent(family.unsteadiness)});
  for (const std::string& line : table.lines()) text += line + "\n";

  const DType products = calibration.products();
  const GemmRate& gemm = *device.gemm[static_cast<std::size_t>(products)];
  text += fmt::format("\npeak {} of {}, {} of it sustained by large products; memory {} of {}\n",
                      report::with_unit(gemm.peak), word_of(products), report::percent(gemm.efficiency),
                      report::with_unit(device.memory_capacity), report::with_unit(device.memory_bandwidth));
  if (has_place(calibration, CalibratedPlace::within_host))
    text += link_line("link within a host", cluster.link);
  if (has_place(calibration, CalibratedPlace::across_hosts))
    text += link_line("network across hosts", cluster.network.link);
  text += fmt::format("error band of a step's kernels: ±{}\n", report::percent(device.kernels.spread));
  for (const std::string& remark : calibration.remarks) text += fmt::format("\nnote: {}\n", remark);
  return text;
}

}  // namespace foreshard
