#include "planner/report/import/import_tables.hpp"

#include <cmath>
#include <set>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

using namespace report;

std::string text_of_lines(const std::vector<std::string>& lines, std::size_t indent) {
  std::string text;
  for (const std::string& line : lines) text += std::string(indent, ' ') + line + '\n';
  return text;
}

/// GB/s to three digits, as nccl-tests prints it.
std::string gigabytes(BytesPerSecond rate) { return significant(rate.value() / 1e9); }

std::string link_words(const char* what, const LinkSpec& link) {
  return fmt::format("{}: {} GB/s of {} GB/s reached, {} per step\n", what,
                     gigabytes(link.efficiency * link.bandwidth), gigabytes(link.bandwidth),
                     with_unit(link.latency));
}

/// Mean of |predicted/measured − 1|.
class MeanError {
 public:
  void add(Seconds predicted, Seconds measured) {
    sum_ += std::abs(predicted / measured - 1.0);
    ++count_;
  }
  [[nodiscard]] double value() const { return count_ > 0 ? sum_ / count_ : 0.0; }

 private:
  double sum_ = 0.0;
  int count_ = 0;
};

std::string test_table(const ImportedTest& test) {
  const std::string where = test.nodes == 1 ? "one node" : counted(test.nodes, "node");
  Table table({{fmt::format("{}, {} ranks, {}", to_string(test.operation), test.ranks, where), Align::left},
               {"measured"},
               {"planner before"},
               {"error"},
               {"fitted"},
               {"error"}});
  MeanError before;
  MeanError after;
  for (const ImportedSize& size : test.sizes) {
    const Seconds time = size.measured.time.median;
    const auto bus = [&](Seconds taken) { return gigabytes(bus_bandwidth(size.measured, taken)); };
    before.add(size.before, time);
    after.add(size.after, time);
    table.row({"  " + with_unit(size.measured.payload), bus(time), bus(size.before),
               signed_percent(size.before / time - 1.0), bus(size.after),
               signed_percent(size.after / time - 1.0)});
  }
  table.row({"  mean error of the times", "", "", percent(before.value()), "", percent(after.value())});
  return text_of_lines(table.lines(), kIndent);
}

}  // namespace

std::string links_table(const ImportedLinks& imported) {
  const ClusterSpec& cluster = imported.cluster;
  std::string text = fmt::format("{}\n", cluster.name);
  text += link_words("  link within a node", cluster.link);
  if (cluster.nccl && cluster.nccl->nvls_bandwidth > BytesPerSecond())
    text += fmt::format("  switch that reduces: {} GB/s\n", gigabytes(cluster.nccl->nvls_bandwidth));
  text += link_words("  network", cluster.network.link);
  text += "\n  bus bandwidth, GB/s; error of the time\n";
  for (const ImportedTest& test : imported.tests) text += "\n" + test_table(test);
  for (const std::string& remark : imported.remarks)
    text += "\n" + text_of_lines(wrapped("note: " + remark, kIndent, 2 * kIndent), 0);
  return text;
}

std::string gemms_table(const ImportedGemms& imported) {
  const AcceleratorSpec& accelerator = imported.accelerator;
  std::string text =
      fmt::format("{}\n", accelerator.full_name.empty() ? accelerator.name : accelerator.full_name);
  std::set<DType> types;
  for (const ImportedGemm& product : imported.products) types.insert(product.measured.type);
  for (const DType type : types) {
    const GemmRate& rate = *accelerator.gemm[static_cast<std::size_t>(type)];
    text += fmt::format("  {}: large products reach {} of {}\n", word_of(type), percent(rate.efficiency),
                        with_unit(rate.peak));
  }
  text += fmt::format("  fixed cost of a product {}, prologue {} of k\n\n",
                      with_unit(accelerator.kernels.gemm_fixed), accelerator.kernels.gemm_k_prologue);
  Table table({{"product", Align::left},
               {"measured, TFLOP/s"},
               {"planner before"},
               {"error"},
               {"fitted"},
               {"error"}});
  MeanError before;
  MeanError after;
  for (const ImportedGemm& product : imported.products) {
    const MeasuredGemm& measured = product.measured;
    const auto rate = [&](Seconds time) {
      return significant(measured.rate().value() * (measured.time / time) / 1e12);
    };
    before.add(product.before, measured.time);
    after.add(product.after, measured.time);
    table.row({fmt::format("  {} {} × {} × {}", word_of(measured.type), measured.m, measured.n, measured.k),
               rate(measured.time), rate(product.before),
               signed_percent(product.before / measured.time - 1.0), rate(product.after),
               signed_percent(product.after / measured.time - 1.0)});
  }
  table.row({"  mean error of the times", "", "", percent(before.value()), "", percent(after.value())});
  return text + text_of_lines(table.lines(), kIndent);
}

namespace report {

Record links_record(const ImportedLinks& imported) {
  const ClusterSpec& cluster = imported.cluster;
  FieldRows rows;
  for (const ImportedTest& test : imported.tests) {
    for (const ImportedSize& size : test.sizes)
      rows.rows.push_back({{"operation", std::string(to_string(test.operation))},
                           {"ranks", test.ranks},
                           {"nodes", test.nodes},
                           {"bytes", size.measured.payload.value()},
                           {"time_s", size.measured.time.median.value()},
                           {"time_before_s", size.before.value()},
                           {"time_fitted_s", size.after.value()},
                           {"bus_bandwidth", bus_bandwidth(size.measured, size.measured.time.median).value()},
                           {"bus_bandwidth_before", bus_bandwidth(size.measured, size.before).value()},
                           {"bus_bandwidth_fitted", bus_bandwidth(size.measured, size.after).value()}});
  }
  return record_of({{"cluster.name", cluster.name},
                    {"cluster.link.bandwidth", cluster.link.bandwidth.value()},
                    {"cluster.link.efficiency", cluster.link.efficiency},
                    {"cluster.link.latency_s", cluster.link.latency.value()},
                    {"cluster.nvls_bandwidth", cluster.nccl ? FieldValue(cluster.nccl->nvls_bandwidth.value())
                                                            : FieldValue(std::monostate{})},
                    {"cluster.network.bandwidth", cluster.network.link.bandwidth.value()},
                    {"cluster.network.efficiency", cluster.network.link.efficiency},
                    {"cluster.network.latency_s", cluster.network.link.latency.value()},
                    {"tests", std::move(rows)},
                    {"notes", imported.remarks}},
                   {"tests"});
}

Record gemms_record(const ImportedGemms& imported) {
  FieldRows rows;
  for (const ImportedGemm& product : imported.products) {
    const MeasuredGemm& measured = product.measured;
    rows.rows.push_back({{"dtype", std::string(word_of(measured.type))},
                         {"m", measured.m},
                         {"n", measured.n},
                         {"k", measured.k},
                         {"time_s", measured.time.value()},
                         {"time_before_s", product.before.value()},
                         {"time_fitted_s", product.after.value()},
                         {"flops_per_s", measured.rate().value()}});
  }
  return record_of({{"accelerator.name", imported.accelerator.name},
                    {"accelerator.gemm_fixed_s", imported.accelerator.kernels.gemm_fixed.value()},
                    {"accelerator.gemm_k_prologue", imported.accelerator.kernels.gemm_k_prologue},
                    {"products", std::move(rows)}},
                   {"products"});
}

}  // namespace report
}  // namespace foreshard
