#include "cli/commands/compare.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/options/command_line.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/offers.hpp"
#include "planner/report/compare_csv.hpp"
#include "planner/report/compare_json.hpp"
#include "planner/report/compare_table.hpp"
#include "planner/report/words.hpp"
#include "planner/search/comparison.hpp"
#include "planner/spec/yaml/load.hpp"

namespace foreshard::cli {
namespace {

/// Beyond this nobody reads a table; a slip in a list should not cost hours.
constexpr std::int64_t kMostVariants = 256;

struct NumberList {
  const char* option;
  std::vector<std::int64_t> VariantAxes::*axis;
  std::int64_t least;
  std::int64_t most;
  const char* help;
};

constexpr std::int64_t kUnbounded = 1'000'000'000;

constexpr std::array<NumberList, 9> kNumberLists{
    {{"--tp", &VariantAxes::tp, 1, kUnbounded, "Tensor-parallel degrees, such as 1,2,4,8"},
     {"--pp", &VariantAxes::pp, 1, kUnbounded, "Pipeline stages"},
     {"--vp", &VariantAxes::vp, 1, kUnbounded, "Model chunks per stage; interleaved above 1"},
     {"--cp", &VariantAxes::cp, 1, kUnbounded, "Context-parallel degrees"},
     {"--ep", &VariantAxes::ep, 1, kUnbounded, "Expert-parallel degrees"},
     {"--zero", &VariantAxes::zero, 0, 3, "ZeRO stages, 0 to 3"},
     {"--micro-batch", &VariantAxes::micro_batch, 1, kUnbounded, "Sequences per micro-batch"},
     {"--sequence-length", &VariantAxes::sequence_length, 1, kUnbounded, "Tokens per sequence"},
     {"--nodes", &VariantAxes::nodes, 1, kUnbounded, "Nodes: says how the job scales at the same batch"}}};

constexpr std::array kRecomputes = {Recompute::none, Recompute::selective, Recompute::selective_ops,
                                    Recompute::full};

struct CompareOptions {
  std::string job;
  std::array<std::optional<std::string>, kNumberLists.size()> numbers;
  std::optional<std::string> recompute;
  std::optional<std::string> clusters;
  std::string format = "table";
  std::vector<std::string> settings;
};

/// The values of a list, none twice. @throws UsageError for an empty one or an empty value.
std::vector<std::string> split(const std::string& option, const std::string& list) {
  std::vector<std::string> values;
  std::string_view rest = list;
  while (true) {
    const auto comma = rest.find(',');
    std::string value(rest.substr(0, comma));
    if (value.empty()) throw UsageError(fmt::format("{} '{}': a value is missing", option, list));
    if (std::find(values.begin(), values.end(), value) != values.end())
      throw UsageError(fmt::format("{} '{}': {} stands there twice", option, list, value));
    values.push_back(std::move(value));
    if (comma == std::string_view::npos) return values;
    rest.remove_prefix(comma + 1);
  }
}

std::int64_t parse_number(const NumberList& kind, const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < kind.least || number > kind.most) {
    throw UsageError(fmt::format("{} takes whole numbers from {} to {} with commas between, not '{}'",
                                 kind.option, kind.least, kind.most, text));
  }
  return number;
}

std::vector<std::string> recompute_words() {
  std::vector<std::string> words;
  for (const Recompute recompute : kRecomputes) words.emplace_back(report::word_for(recompute));
  return words;
}

Recompute parse_recompute(const std::string& text) {
  for (const Recompute recompute : kRecomputes) {
    if (report::word_for(recompute) == text) return recompute;
  }
  throw UsageError(fmt::format("--recompute takes none, selective, selective-ops and full, not '{}'{}", text,
                               suggestion(text, recompute_words())));
}

VariantAxes parse_axes(const CompareOptions& options) {
  VariantAxes axes;
  for (std::size_t i = 0; i < kNumberLists.size(); ++i) {
    if (!options.numbers[i]) continue;
    const NumberList& kind = kNumberLists[i];
    for (const std::string& text : split(kind.option, *options.numbers[i])) {
      (axes.*kind.axis).push_back(parse_number(kind, text));
    }
  }
  if (options.recompute) {
    for (const std::string& text : split("--recompute", *options.recompute))
      axes.recompute.push_back(parse_recompute(text));
  }
  if (options.clusters) {
    for (const std::string& name : split("--cluster", *options.clusters))
      axes.clusters.push_back(load_cluster(name));
  }
  return axes;
}

JobSpec load_one(const CompareOptions& options) {
  std::vector<JobSpec> jobs = load_named_jobs(options.job, parse_settings(options.settings));
  if (jobs.size() == 1) return std::move(jobs.front());
  throw UsageError(fmt::format("'{}' holds {} jobs; compare varies one", options.job, jobs.size()));
}

bool has_lists(const CompareOptions& options) {
  return options.recompute || options.clusters ||
         std::any_of(options.numbers.begin(), options.numbers.end(),
                     [](const auto& list) { return list.has_value(); });
}

CommandResult run_compare(const CompareOptions& options) {
  if (!has_lists(options)) throw UsageError("compare needs a list of values to try, such as --tp 1,2,4,8");
  const VariantAxes axes = parse_axes(options);
  const std::int64_t number = count_variants(axes);
  if (number > kMostVariants) {
    throw UsageError(
        fmt::format("these lists make {} variants; at most {} are compared", number, kMostVariants));
  }
  const Comparison comparison = compare_variants(load_one(options), axes);
  CommandResult result;
  if (options.format == "json") {
    result.output = compare_json(comparison);
  } else if (options.format == "csv") {
    result.output = compare_csv(comparison);
  } else {
    result.output = compare_table(comparison);
    result.is_table = true;
  }
  result.code = comparison.best ? ExitCode::done : ExitCode::no;
  return result;
}

constexpr const char* kExample =
    "Lists are values with commas between; several lists make every combination. The batch stays, and so\n"
    "do the devices, unless nodes are listed: data parallelism follows.\n"
    "\n"
    "Example:\n"
    "  foreshard compare llama3-70b-64h100 --tp 1,2,4,8\n"
    "  foreshard compare my-job.yaml --cluster dgx-a100,dgx-h100 --recompute none,full\n"
    "  foreshard compare my-job.yaml --nodes 4,8,16 --format json\n"
    "\n";

}  // namespace

void add_compare(CLI::App& app, Command& command) {
  const auto options = std::make_shared<CompareOptions>();
  CLI::App* compare =
      app.add_subcommand("compare", "Lay variants of one job side by side, with the reasons for the winner.");
  compare->add_option("JOB", options->job, kJobHelp)->required()->check(offers(kOfferJobs))->option_text(" ");
  for (std::size_t i = 0; i < kNumberLists.size(); ++i) {
    compare->add_option(kNumberLists[i].option, options->numbers[i], kNumberLists[i].help)
        ->option_text("LIST");
  }
  compare->add_option("--recompute", options->recompute, "none, selective, selective-ops, full")
      ->check(offers(recompute_words()))
      ->option_text("LIST");
  compare->add_option("--cluster", options->clusters, "Names or files, at the job's number of devices")
      ->check(offers(kOfferClusters))
      ->option_text("LIST");
  compare->add_option("--format", options->format, "table (for people), json or csv; default table")
      ->check(one_of({"table", "json", "csv"}))
      ->option_text("FORMAT");
  compare->add_option("--set", options->settings, "Replace one value of the job; may be repeated")
      ->allow_extra_args(false)
      ->check(offers(kOfferKeys))
      ->option_text("KEY=VALUE");
  compare->footer(kExample + std::string(kExitCodes));
  compare->callback([options, &command] {
    command = {.run = [options] { return run_compare(*options); }, .nothing_done = "nothing compared"};
  });
}

}  // namespace foreshard::cli
