#include "planner/report/list_table.hpp"

#include <cstdint>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

using namespace report;

Table table_of(const std::vector<BundledModel>& models) {
  Table table({{"models", Align::left}, {"parameters"}, {"layers"}, {"hidden"}, {"", Align::left}});
  for (const auto& [name, model, parameters] : models)
    table.row(
        {"  " + name, grouped(parameters.value()), grouped(model.layers), grouped(model.hidden), model.name});
  return table;
}

/// The peak rate of matrix products in bf16, the usual training precision, or in the nearest type that the
/// device has.
std::string matrix_peak(const AcceleratorSpec& accelerator) {
  for (const DType type : {DType::bf16, DType::fp16, DType::tf32, DType::fp32, DType::fp64}) {
    const auto& rate = accelerator.gemm[static_cast<std::size_t>(type)];
    if (rate) return fmt::format("{} {}", with_unit(rate->peak), word_of(type));
  }
  return "–";
}

/// One letter for each of products, attention, memory passes and collectives: how its constants are known.
std::string confidence_letters(const AcceleratorSpec& accelerator) {
  std::string letters;
  for (const ConstantGroup group : {ConstantGroup::products, ConstantGroup::attention, ConstantGroup::passes,
                                    ConstantGroup::collectives}) {
    const auto& how = accelerator.confidence[static_cast<std::size_t>(group)];
    if (!how) {
      letters += '-';
      continue;
    }
    switch (*how) {
      case Confidence::measured_sustained: letters += 'S'; break;
      case Confidence::measured_burst: letters += 'B'; break;
      case Confidence::published: letters += 'P'; break;
      case Confidence::derived: letters += 'D'; break;
      case Confidence::announced:
      case Confidence::assumed: letters += 'A'; break;
    }
  }
  return letters;
}
/// With this the widest line has 100 columns; JSON has the whole name.
constexpr std::size_t kWidestFullName = 22;
constexpr const char* kLetters =
    "  known: how products, attention, memory passes and collectives are known, in this order:\n"
    "  S measured for seconds, B measured in bursts, D derived, A assumed, - the file does not say\n";

Table table_of(const std::vector<BundledAccelerator>& accelerators) {
  Table table({{"accelerators", Align::left},
               {"peak"},
               {"GiB"},
               {"TB/s"},
               {"W"},
               {"USD/h"},
               {"known", Align::left},
               {"", Align::left}});
  for (const auto& [name, accelerator] : accelerators)
    table.row({"  " + name, matrix_peak(accelerator),
               fixed(accelerator.memory_capacity.as_double() / kGibi, 1),
               fixed(accelerator.memory_bandwidth.value() / 1e12, 2),
               accelerator.power ? fixed(accelerator.power->value(), 0) : "–",
               accelerator.price ? fixed(accelerator.price->value() * kHour.value(), 2) : "–",
               confidence_letters(accelerator), shortened(accelerator.full_name, kWidestFullName)});
  return table;
}

Table table_of(const std::vector<BundledCluster>& clusters) {
  Table table({{"clusters", Align::left},
               {"nodes"},
               {"devices per node"},
               {"accelerator", Align::left},
               {"network per device"}});
  for (const auto& [name, cluster] : clusters)
    table.row({"  " + name, grouped(cluster.nodes), grouped(cluster.devices_per_node),
               cluster.accelerator.name, in_bits(cluster.network.link.bandwidth)});
  return table;
}

Table table_of(const std::vector<BundledJob>& jobs) {
  Table table({{"jobs", Align::left}, {"model", Align::left}, {"devices"}, {"tp"}, {"pp"}, {"dp"}});
  for (const auto& [name, job] : jobs)
    table.row({"  " + name, job.model.name, grouped(job.cluster.devices()), grouped(job.parallelism.tp),
               grouped(job.parallelism.pp), grouped(job.parallelism.dp)});
  return table;
}

/// The first of these names, and how many more there are.
std::string names_in_short(const std::vector<std::string>& names) {
  constexpr std::size_t kMostNamed = 4;
  if (names.size() <= kMostNamed) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{} and {} more", fmt::join(names.begin(), names.begin() + kMostNamed, ", "),
                     names.size() - kMostNamed);
}

Table table_of(const std::vector<BundledMeasurements>& measured) {
  Table table({{"measured", Align::left}, {"cases"}, {"accelerator", Align::left}});
  for (const BundledMeasurements& source : measured)
    table.row({"  " + source.name, grouped(source.cases), names_in_short(source.accelerators)});
  return table;
}

template <class Configs>
void append_table(std::string& text, const Configs& configs) {
  if (!configs) return;
  if (!text.empty()) text += '\n';
  for (const std::string& line : table_of(*configs).lines()) text += line + '\n';
}

}  // namespace

std::string list_table(const BundledConfigs& configs) {
  std::string text;
  append_table(text, configs.models);
  append_table(text, configs.accelerators);
  if (configs.accelerators) text += kLetters;
  append_table(text, configs.clusters);
  append_table(text, configs.jobs);
  append_table(text, configs.measured);
  return text;
}

}  // namespace foreshard
