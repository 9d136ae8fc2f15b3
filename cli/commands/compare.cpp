#include "cli/commands/compare.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options/common_options.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/job_options.hpp"
#include "cli/options/price_option.hpp"
#include "cli/options/target.hpp"
#include "cli/options/value_list.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/compare_table.hpp"
#include "planner/report/comparison_record.hpp"
#include "planner/search/comparison.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::cli {
namespace {

/// Limit on the number of variants: nobody reads a longer table, and a mistyped list should not cost hours.
constexpr std::int64_t kMostVariants = 256;

/// An option of `compare` whose values are whole numbers, and the axis of variants that they set.
struct NumberAxis {
  const char* option;
  std::vector<std::int64_t> VariantAxes::*values;
};
constexpr std::array<NumberAxis, 11> kNumberAxes{{{"--tp", &VariantAxes::tp},
                                                  {"--pp", &VariantAxes::pp},
                                                  {"--vp", &VariantAxes::vp},
                                                  {"--cp", &VariantAxes::cp},
                                                  {"--ep", &VariantAxes::ep},
                                                  {"--dp", &VariantAxes::dp},
                                                  {"--zero", &VariantAxes::zero},
                                                  {"--micro-batch", &VariantAxes::micro_batch},
                                                  {"--batch", &VariantAxes::global_batch},
                                                  {"--sequence", &VariantAxes::sequence_length},
                                                  {"--nodes", &VariantAxes::nodes}}};

struct CompareOptions {
  std::string job;
  JobChanges changes;
  VariantAxes axes;                   // all but the clusters
  std::vector<std::string> clusters;  // names or files
  bool has_lists = false;
  bool fewest_devices = false;
  OutputChoice output;
  std::vector<ClusterPrice> prices;
};

/// The value of an enumeration that job files name by this word. @pre there is one
template <class E>
E value_of(const std::string& word) {
  const auto& words = kWords<E>;
  return std::find_if(words.begin(), words.end(), [&](const auto& named) { return named.word == word; })
      ->value;
}

/// Sets the given prices. @throws UsageError for the price of a cluster that is not compared
void set_prices(const std::vector<ClusterPrice>& prices, JobSpec& job, VariantAxes& axes) {
  std::set<std::string> clusters;
  set_price(job.cluster, prices);
  if (axes.clusters.empty()) clusters.insert(job.cluster.name);
  for (ClusterSpec& cluster : axes.clusters) {
    set_price(cluster, prices);
    clusters.insert(cluster.name);
  }
  check_prices(prices, clusters);
}

CommandResult run_compare(const CompareOptions& options) {
  if (!options.has_lists) throw UsageError("compare needs a list of values to try, such as --tp 1,2,4,8");
  VariantAxes axes = options.axes;
  for (const std::string& name : options.clusters) axes.clusters.push_back(load_cluster(name));
  const std::int64_t number = count_variants(axes);
  if (number > kMostVariants) {
    throw UsageError(
        fmt::format("these lists make {} variants; at most {} are compared", number, kMostVariants));
  }
  const Purpose purpose = options.fewest_devices ? Purpose::find_size : Purpose::plan;
  JobSpec job = load_only_job(options.job, options.changes, "compare", purpose);
  set_prices(options.prices, job, axes);
  if (options.fewest_devices && !axes.nodes.empty())
    throw UsageError("--fewest-devices finds the nodes of each variant, so --nodes cannot list them");
  const Comparison comparison = compare_variants(job, axes, options.fewest_devices);
  return result_of({.table = [&] { return compare_table(comparison); },
                    .record = [&] { return report::comparison_record(comparison); }},
                   options.output, comparison.best ? ExitCode::done : ExitCode::no);
}

/// An option that takes a list; `read` writes its values to an axis.
OptionSpec list_option(CompareOptions& options, std::string name, std::string help, Target read) {
  read.read = [&options, read = std::move(read.read)](const std::string& option, const std::string& list) {
    options.has_lists = true;
    read(option, list);
  };
  return {.name = std::move(name), .value = "LIST", .help = std::move(help), .target = std::move(read)};
}

OptionSpec number_option(CompareOptions& options, const NumberAxis& axis) {
  const JobKeyOption& kind = job_key_option(axis.option);
  return list_option(options, axis.option, std::string(kind.meaning),
                     setter([&values = options.axes.*axis.values, bounds = kind.bounds](
                                const std::string& option, const std::string& list) {
                       values = parse_whole_list(option, list, bounds);
                     }));
}

/// A target for a list of words, each of which is a value on an axis.
template <class E>
OptionSpec word_option(CompareOptions& options, const char* name, std::vector<E>& values) {
  const JobKeyOption& kind = job_key_option(name);
  const Target one = one_of(kind.words, [&values](const std::string&, const std::string& word) {
    values.push_back(value_of<E>(word));
  });
  Target target = setter([one](const std::string& option, const std::string& list) {
    for (const std::string& word : split_list(option, list)) one.read(option, word);
  });
  target.words = kind.words;
  return list_option(options, name, fmt::format("{}: {}", kind.meaning, fmt::join(kind.words, ", ")),
                     std::move(target));
}

std::vector<OptionSpec> compare_options(CompareOptions& options) {
  std::vector<OptionSpec> specs;
  for (const NumberAxis& axis : kNumberAxes) specs.push_back(number_option(options, axis));
  specs.push_back(word_option(options, "--schedule", options.axes.schedule));
  specs.push_back(word_option(options, "--recompute", options.axes.recompute));
  specs.push_back(word_option(options, "--precision", options.axes.precision));
  specs.push_back(
      list_option(options, "--cluster", "Names or files, at the job's number of devices",
                  setter([&clusters = options.clusters](const std::string& option, const std::string& list) {
                    clusters = split_list(option, list);
                  })));
  specs.back().offer = Offer::clusters;
  specs.push_back({.name = "--fewest-devices",
                   .help = "Plan each variant on the fewest devices on which it fits",
                   .target = flag(options.fewest_devices)});
  specs.push_back(price_option(options.prices));
  specs.push_back(format_option(options.output.format));
  specs.push_back(html_option(options.output));
  specs.push_back(on_option(options.changes));
  specs.push_back(set_option(options.changes.settings));
  return specs;
}

}  // namespace

Command compare_command() {
  const auto options = std::make_shared<CompareOptions>();
  return {
      .spec = {.name = "compare",
               .summary = "Lay variants of one job side by side, with the reasons for the winner.",
               .arguments = {{.name = "JOB",
                              .help = kJobHelp,
                              .is_required = true,
                              .offer = Offer::jobs,
                              .target = text(options->job)}},
               .options = compare_options(*options),
               .notes =
                   fmt::format("Lists are values with commas between; {}. Several lists make every "
                               "combination. What is not listed stays, but for data parallelism, which "
                               "follows; where it is listed itself, variants that do not use all devices "
                               "are refused.",
                               kRangeHelp),
               .examples = "foreshard compare llama3-70b-64h100 --tp 1-8\n"
                           "foreshard compare my-job.yaml --cluster dgx-a100,dgx-h100 --recompute none,full\n"
                           "foreshard compare my-job.yaml --nodes 4,8,16 --format json\n"},
      .run = [options] { return run_compare(*options); },
      .nothing_done = "nothing compared"};
}

}  // namespace foreshard::cli
