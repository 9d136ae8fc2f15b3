#include "cli/options/job_options.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options/common_options.hpp"
#include "cli/options/target.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::cli {
namespace {

/// Bounds of a degree or count: the readers of jobs accept no larger number.
constexpr WholeBounds kFromOne{.least = 1, .most = 1'000'000'000};

template <class E>
std::vector<std::string> words_of() {
  std::vector<std::string> words;
  for (const auto& named : kWords<E>) words.emplace_back(named.word);
  return words;
}

Target override_target(JobChanges& changes, const JobKeyOption& kind) {
  const auto keep = [&changes, key = std::string(kind.key)](const std::string&, const std::string& value) {
    changes.short_ways.push_back({.path = key, .value = value});
  };
  if (!kind.words.empty()) return one_of(kind.words, keep);
  return setter([keep, bounds = kind.bounds](const std::string& option, const std::string& value) {
    parse_whole(option, value, bounds);
    keep(option, value);
  });
}

}  // namespace

const std::vector<JobKeyOption>& job_key_options() {
  static const std::vector<JobKeyOption> kOptions{
      {"--nodes", "cluster.nodes", "Nodes of the cluster", kFromOne},
      {"--tp", "parallelism.tp", "Tensor-parallel degree", kFromOne},
      {"--pp", "parallelism.pp", "Pipeline stages", kFromOne},
      {"--vp", "parallelism.vp", "Model chunks per stage; interleaved above 1", kFromOne},
      {"--cp", "parallelism.cp", "Context-parallel degree", kFromOne},
      {"--ep", "parallelism.ep", "Expert-parallel degree", kFromOne},
      {"--dp", "parallelism.dp", "Data-parallel degree; default what the others leave of the devices",
       kFromOne},
      {"--zero", "parallelism.zero", "ZeRO stage, 0 to 3", {.least = 0, .most = 3}},
      {"--precision", "training.precision", "Of the layers' matrix products", {}, words_of<Precision>()},
      {"--micro-batch", "training.micro_batch", "Sequences per micro-batch", kFromOne},
      {"--sequence", "training.sequence_length", "Tokens per sequence", kFromOne},
      {"--batch", "training.global_batch", "Sequences per step, over all devices", kFromOne},
      {"--recompute", "training.recompute", "What is recomputed in backward", {}, words_of<Recompute>()},
      {"--schedule", "training.schedule", "Of the pipeline", {}, words_of<ScheduleKind>()},
  };
  return kOptions;
}

const JobKeyOption& job_key_option(std::string_view option) {
  const auto& options = job_key_options();
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const JobKeyOption& kind) { return kind.option == option; });
  if (found == options.end()) throw std::out_of_range(std::string(option));
  return *found;
}

OptionSpec on_option(JobChanges& changes) {
  return {.name = "--on",
          .value = "CLUSTER",
          .help = "The cluster, by name or file, in place of the job's; with it JOB may be a model",
          .offer = Offer::clusters,
          .target = text(changes.cluster)};
}

std::vector<OptionSpec> job_options(JobChanges& changes) {
  std::vector<OptionSpec> options{on_option(changes)};
  for (const JobKeyOption& kind : job_key_options()) {
    std::string help(kind.meaning);
    if (!kind.words.empty()) help += fmt::format(": {}", fmt::join(kind.words, ", "));
    options.push_back({.name = std::string(kind.option),
                       .value = kind.words.empty() ? "N" : "WORD",
                       .help = std::move(help),
                       .target = override_target(changes, kind)});
  }
  options.push_back(set_option(changes.settings));
  return options;
}

}  // namespace foreshard::cli
