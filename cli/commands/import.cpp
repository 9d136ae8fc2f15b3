#include "cli/commands/import.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/files/output_file.hpp"
#include "cli/options/common_options.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/fit/gemm_table.hpp"
#include "planner/fit/import_links.hpp"
#include "planner/report/import/import_tables.hpp"
#include "planner/spec/accelerator/write_accelerator.hpp"
#include "planner/spec/cluster/write_cluster.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/yaml/source_text.hpp"

namespace foreshard::cli {
namespace {

struct ImportOptions {
  std::string kind;
  std::vector<std::string> files;
  std::string cluster;
  std::string accelerator;
  std::string out;
  report::OutputFormat format = report::OutputFormat::table;
};

std::string path_or_name(const std::string& named) {
  return std::filesystem::exists(named) ? std::filesystem::absolute(named).string() : named;
}

/// Names of the files, for the source of what was fitted to them.
std::string names_of(const std::vector<std::string>& files) {
  std::string names;
  for (const std::string& file : files)
    names += (names.empty() ? "" : ", ") + std::filesystem::path(file).filename().string();
  return names;
}

/// The result, and the file with the fitted constants if one is wanted.
CommandResult finish(const ImportOptions& options, const std::string& yaml, std::string table,
                     const std::function<report::Record()>& record) {
  if (!options.out.empty()) {
    OutputFile file(options.out);
    file.stream() << yaml;
    file.finish();
    table += fmt::format("\nwrote {}\n", options.out);
  }
  return result_of({.table = [&] { return table; }, .record = record}, options.format);
}

CommandResult import_nccl_tests(const ImportOptions& options) {
  if (options.cluster.empty()) throw UsageError("--cluster is required: whose links the tests measured");
  if (!options.accelerator.empty()) throw UsageError("--accelerator is of import gemm; here it is --cluster");
  Complaints complaints;
  std::vector<NcclTest> tests;
  std::vector<std::string> remarks;
  for (const std::string& file : options.files) {
    const std::optional<std::string> text = read_text_file(file, file, complaints);
    if (!text) continue;
    NcclTestsOutput output = read_nccl_tests(*text, file, complaints);
    for (NcclTest& test : output.tests) tests.push_back(std::move(test));
    for (const std::string& name : output.passed_over)
      remarks.push_back(fmt::format("{}: no plan uses {}; it is left out", file, name));
  }
  complaints.throw_if_any();
  if (tests.empty()) throw UsageError("none of the tests measured an operation that plans use");
  const ClusterSpec cluster = load_cluster(path_or_name(options.cluster));
  ImportedLinks imported = import_links(cluster, tests);
  imported.remarks.insert(imported.remarks.end(), remarks.begin(), remarks.end());
  const std::string source = fmt::format("fitted to nccl-tests: {}", names_of(options.files));
  const bool has_node = imported.cluster.link.bandwidth != cluster.link.bandwidth;
  const bool has_network = imported.cluster.network.link.bandwidth != cluster.network.link.bandwidth;
  const std::string as_before = "as in " + options.cluster;
  const std::string yaml = write_cluster(
      imported.cluster, fmt::format("{} with links by foreshard import nccl-tests.", options.cluster),
      {.memory = as_before,
       .multiprocessors = as_before,
       .gemm = as_before,
       .kernels = as_before,
       .attention = as_before,
       .link = has_node ? source : as_before,
       .network = has_network ? source : as_before});
  return finish(options, yaml, links_table(imported), [&] { return report::links_record(imported); });
}

void check_peaks(const AcceleratorSpec& accelerator, const std::vector<MeasuredGemm>& measured) {
  for (const MeasuredGemm& product : measured) {
    if (!accelerator.gemm[static_cast<std::size_t>(product.type)])
      throw UsageError(fmt::format("the file of {} has no peak of {}: add it, with its source",
                                   accelerator.name, word_of(product.type)));
  }
}

CommandResult import_gemm(const ImportOptions& options) {
  if (options.accelerator.empty())
    throw UsageError("--accelerator is required: whose products the table has");
  if (!options.cluster.empty())
    throw UsageError("--cluster is of import nccl-tests; here it is --accelerator");
  Complaints complaints;
  std::vector<MeasuredGemm> measured;
  for (const std::string& file : options.files) {
    const std::optional<std::string> text = read_text_file(file, file, complaints);
    if (!text) continue;
    const std::vector<MeasuredGemm> table = read_gemm_table(*text, file, complaints);
    measured.insert(measured.end(), table.begin(), table.end());
  }
  complaints.throw_if_any();
  const AcceleratorSpec accelerator = load_accelerator(path_or_name(options.accelerator));
  check_peaks(accelerator, measured);
  const ImportedGemms imported = import_gemms(accelerator, measured, names_of(options.files));
  const std::string yaml =
      write_accelerator(imported.accelerator, fmt::format("{} with products by foreshard import gemm: {}.",
                                                          options.accelerator, names_of(options.files)));
  return finish(options, yaml, gemms_table(imported), [&] { return report::gemms_record(imported); });
}

}  // namespace

Command import_command() {
  const auto options = std::make_shared<ImportOptions>();
  CommandSpec spec{
      .name = "import",
      .summary = "Fit a cluster's links or an accelerator's products to measurements of other tools.",
      .arguments = {{.name = "KIND",
                     .help = "nccl-tests: what all_reduce_perf and the others printed; gemm: a CSV with "
                             "the columns m, n, k, dtype and us, ms or tflops",
                     .is_required = true,
                     .target = word(options->kind, {"nccl-tests", "gemm"})},
                    {.name = "FILE",
                     .help = "The measurements",
                     .is_required = true,
                     .offer = Offer::files,
                     .target = texts(options->files)}},
      .options = {{.name = "--cluster",
                   .value = "CLUSTER",
                   .help = "The cluster whose links were measured: a bundled name or a file",
                   .offer = Offer::clusters,
                   .target = text(options->cluster)},
                  {.name = "--accelerator",
                   .value = "ACCELERATOR",
                   .help = "The accelerator whose products were measured: a bundled name or a file",
                   .offer = Offer::configs,
                   .target = text(options->accelerator)},
                  {.name = "--out",
                   .value = "FILE",
                   .help = "Write the cluster or the accelerator with the fitted constants",
                   .offer = Offer::files,
                   .target = text(options->out)},
                  format_option(options->format)},
      .notes =
          "Prints the measured bus bandwidths or rates beside the planner's own, before and with the "
          "fit.",
      .examples =
          "foreshard import nccl-tests all_reduce.txt all_gather.txt --cluster dgx-h100\n"
          "foreshard import nccl-tests perf.txt --cluster dgx-h100 --out mine.yaml\n"
          "foreshard import gemm products.csv --accelerator h100-80gb-sxm --out mine.yaml\n"};
  return {
      .spec = std::move(spec),
      .run =
          [options] { return options->kind == "gemm" ? import_gemm(*options) : import_nccl_tests(*options); },
      .nothing_done = "nothing imported"};
}

}  // namespace foreshard::cli
