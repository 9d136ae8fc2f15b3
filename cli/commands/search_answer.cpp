#include "cli/commands/search_answer.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/commands/emit_plans.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/job_options.hpp"
#include "cli/options/target.hpp"
#include "cli/options/value_list.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/search/search_record.hpp"
#include "planner/report/search/search_table.hpp"
#include "planner/report/search/search_words.hpp"
#include "planner/search/best/plan_search.hpp"
#include "planner/search/best/site.hpp"
#include "planner/spec/load/load.hpp"
#include "sim/study/replay_plans.hpp"

namespace foreshard::cli {
namespace {

constexpr WholeBounds kDeviceBounds{.least = 1, .most = 1'000'000};
constexpr std::size_t kReplayed = 3;  ///< plans that are simulated

/// The clusters to search on: those of the command line, else the job's own; with prices from the command line.
std::vector<ClusterSpec> clusters_of(const SearchOptions& options, const JobSpec& job) {
  std::vector<ClusterSpec> clusters;
  for (const std::string& name : options.clusters) clusters.push_back(load_cluster(name));
  if (clusters.empty()) clusters.push_back(job.cluster);
  std::set<std::string> names;
  for (ClusterSpec& cluster : clusters) {
    set_price(cluster, options.prices);
    names.insert(cluster.name);
  }
  check_prices(options.prices, names);
  return clusters;
}

/// The job on every cluster with every number of devices. @throws UsageError for devices that fill no whole nodes
std::vector<JobSpec> sites_of(const SearchOptions& options, JobSpec job) {
  const std::vector<ClusterSpec> clusters = clusters_of(options, job);
  if (options.devices.empty() && options.clusters.empty()) {
    job.cluster.price = clusters.front().price;
    return {std::move(job)};
  }
  std::vector<std::int64_t> devices = options.devices;
  if (devices.empty()) devices.push_back(job.cluster.devices());
  std::vector<JobSpec> sites;
  for (const ClusterSpec& cluster : clusters) {
    for (const std::int64_t count : devices) {
      std::optional<JobSpec> site = job_on(job, cluster, count, options.scales_batch);
      if (!site)
        throw UsageError(fmt::format(
            "{} devices of {} do not fill whole nodes of {}, or the batch does not grow to a whole number",
            count, cluster.name, cluster.devices_per_node + cluster.idle_per_node));
      sites.push_back(*std::move(site));
    }
  }
  return sites;
}

/// The cluster that the command line names for each site; empty: the job's own.
std::vector<std::string> cluster_names(const SearchOptions& options) {
  std::vector<std::string> names;
  const std::vector<std::string> clusters =
      options.clusters.empty() ? std::vector<std::string>{""} : options.clusters;
  for (const std::string& cluster : clusters)
    names.insert(names.end(), std::max<std::size_t>(options.devices.size(), 1), cluster);
  return names;
}

Target objective_target(SearchObjective& objective) {
  constexpr std::array kAll{SearchObjective::step_time, SearchObjective::time_to_train,
                            SearchObjective::tokens_per_dollar, SearchObjective::devices,
                            SearchObjective::memory_headroom};
  std::vector<std::string> words;
  for (const SearchObjective each : kAll) words.emplace_back(report::objective_word(each));
  return one_of(words, [&objective, kAll](const std::string&, const std::string& word) {
    objective = *std::find_if(kAll.begin(), kAll.end(),
                              [&](SearchObjective each) { return report::objective_word(each) == word; });
  });
}

std::vector<OptionSpec> search_options(SearchOptions& options) {
  std::vector<OptionSpec> specs = space_options(options.space);
  specs.push_back(
      {.name = "--devices",
       .value = "LIST",
       .help = "Numbers of devices to search on",
       .target = setter([&values = options.devices](const std::string& option, const std::string& text) {
         values = parse_whole_list(option, text, kDeviceBounds);
       })});
  specs.push_back(
      {.name = "--cluster",
       .value = "LIST",
       .help = "Clusters to search on, by name or file, at the job's number of devices or at --devices",
       .offer = Offer::clusters,
       .target = setter([&clusters = options.clusters](const std::string& option, const std::string& text) {
         clusters = split_list(option, text);
       })});
  specs.push_back({.name = "--scale-batch",
                   .help = "The global batch grows with the devices; else it stays as the job has it",
                   .target = flag(options.scales_batch)});
  specs.push_back({.name = "--objective",
                   .value = "WORD",
                   .help =
                       "What is best: step-time, time-to-train, tokens-per-dollar, devices, memory-headroom; "
                       "default step-time",
                   .target = objective_target(options.objective)});
  specs.push_back({.name = "--top",
                   .value = "N",
                   .help = "How many plans to list; default 10",
                   .target = whole_number(options.top, {.least = 1, .most = 1000})});
  specs.push_back(
      {.name = "--by",
       .value = "AXIS",
       .help = "Also list the best plan with each value of this axis: what would change if it were fixed",
       .target = one_of(axis_names(), [&by = options.by](const std::string&, const std::string& word) {
         by = axis_of_word(word);
       })});
  specs.push_back({.name = "--emit",
                   .value = "DIR",
                   .help = "Write the listed plans as job files into this folder",
                   .offer = Offer::files,
                   .target = text(options.emit)});
  specs.push_back(price_option(options.prices));
  specs.push_back(format_option(options.output.format));
  specs.push_back(html_option(options.output));
  for (OptionSpec& option : job_options(options.space.changes)) specs.push_back(std::move(option));
  return specs;
}

}  // namespace

CommandSpec search_spec(SearchOptions& options) {
  return {
      .name = "search",
      .summary = "Find the best plan of a job among all legal ones.",
      .arguments = {{.name = "JOB",
                     .help = kJobHelp,
                     .is_required = true,
                     .offer = Offer::jobs,
                     .target = text(options.space.job)}},
      .options = search_options(options),
      .notes = fmt::format("{} In lists of numbers {}. An interrupt (Ctrl-C) ends the search with the best "
                           "plans so far.",
                           axes_help(), kRangeHelp)};
}

SearchRequest search_request(const SearchOptions& options) {
  JobSpec job = load_only_job(options.space.job, options.space.changes, "search");
  SearchRequest request;
  request.free = free_axes(options.space, job);
  if (options.by && std::find(request.free.begin(), request.free.end(), *options.by) == request.free.end())
    throw UsageError(
        fmt::format("--by {}: this axis is not searched; name it with --free", word_of_axis(*options.by)));
  request.sites = sites_of(options, std::move(job));
  request.objective = options.objective;
  request.memory_margin = options.space.memory_margin;
  request.top = options.top;
  request.threads = threads_of(options.space);
  return request;
}

CommandResult answer_search(const SearchOptions& options, SearchRequest request, Progress& progress,
                            const std::function<SearchResult(const SearchRequest&)>& search) {
  const auto emit = [&](const SearchResult& result) {
    if (options.emit)
      emit_plans(*options.emit, options.space.job, options.space.changes, result, cluster_names(options));
  };
  request.progress = progress.listener();
  request.stop = &progress.stop();
  if (progress.shows_results()) {
    request.so_far = [&](const std::function<SearchResult()>& now) {
      progress.show_result([&] {
        const SearchResult so_far = now();
        emit(so_far);
        return report::write({.table = {}, .record = [&] { return report::search_record(so_far); }},
                             report::OutputFormat::json);
      });
    };
  }
  SearchResult result = search(request);
  if (!request.stop->load()) replay_best(result, kReplayed, request.threads);
  progress.clear();
  emit(result);
  return result_of({.table = [&] { return search_table(result, options.by); },
                    .record = [&] { return report::search_record(result); }},
                   options.output, result.ranking.empty() ? ExitCode::no : ExitCode::done);
}

}  // namespace foreshard::cli
