#include "cli/commands/calibration_table.hpp"

#include <vector>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::cli {
namespace {

std::string reached(const FamilyFit& fit) {
  return fit.family.is_memory() ? report::with_unit(fit.bandwidth) : report::with_unit(fit.rate);
}

void add_links(report::Table& table, const char* where, const std::vector<LinkFit>& fits) {
  for (const LinkFit& fit : fits)
    table.row({fmt::format("{}, {}", to_string(fit.operation), where), fmt::format("{}", fit.sizes),
               report::with_unit(fit.best), report::percent(fit.mean_error), report::percent(fit.residual),
               report::percent(fit.unsteadiness)});
}

std::string link_line(const char* what, const LinkSpec& link) {
  return fmt::format("{}: {}, {} per message\n", what, report::with_unit(link.bandwidth),
                     report::with_unit(link.latency));
}

}  // namespace

std::string calibration_table(const Calibration& calibration) {
  const ClusterSpec& cluster = calibration.cluster;
  const AcceleratorSpec& device = cluster.accelerator;
  std::string text = fmt::format("{}: {} host{} of {} rank{}, {}\n\n", cluster.name, cluster.nodes,
                                 cluster.nodes == 1 ? "" : "s", cluster.devices_per_node,
                                 cluster.devices_per_node == 1 ? "" : "s", device.full_name);

  report::Table table({{"measured", report::Align::left},
                       {"kernels"},
                       {"reached"},
                       {"fit error"},
                       {"residual"},
                       {"unsteady"}});
  for (const FamilyFit& fit : calibration.kernels)
    table.row({to_string(fit.family), fmt::format("{}", fit.kernels), reached(fit),
               report::percent(fit.mean_error), report::percent(fit.residual),
               report::percent(fit.unsteadiness)});
  add_links(table, "within a host", calibration.link);
  add_links(table, "across hosts", calibration.network);
  for (const std::string& line : table.lines()) text += line + "\n";

  const bool has_fp32 = device.gemm[static_cast<std::size_t>(DType::fp32)].has_value();
  const DType products = device.is_cpu && has_fp32 ? DType::fp32 : DType::bf16;
  const GemmRate& gemm = *device.gemm[static_cast<std::size_t>(products)];
  text += fmt::format("\npeak {} of {}, {} of it sustained by large products; memory {} of {}\n",
                      report::with_unit(gemm.peak), word_of(products), report::percent(gemm.efficiency),
                      report::with_unit(device.memory_capacity), report::with_unit(device.memory_bandwidth));
  if (!calibration.link.empty()) text += link_line("link within a host", cluster.link);
  if (!calibration.network.empty()) text += link_line("network across hosts", cluster.network.link);
  text += fmt::format("error band of a step's kernels: ±{}\n", report::percent(device.kernels.spread));
  return text;
}

}  // namespace foreshard::cli
