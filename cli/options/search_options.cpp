#include "cli/options/search_options.hpp"

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options/target.hpp"
#include "cli/options/value_list.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::cli {
namespace {

std::vector<SearchAxis> parse_axes(const std::string& option, const std::string& list) {
  std::vector<SearchAxis> axes;
  for (const std::string& word : split_list(option, list)) {
    const std::optional<SearchAxis> axis = axis_of_word(word);
    if (!axis)
      throw UsageError(fmt::format("{} '{}': there is no axis '{}'; there are {}", option, list, word,
                                   fmt::join(axis_names(), ", ")));
    axes.push_back(*axis);
  }
  return axes;
}

/// True if the command line sets the key.
bool is_set(const JobChanges& changes, std::string_view key) {
  const auto is_key = [&](const Override& change) { return change.path == key; };
  const std::vector<Override> settings = parse_settings(changes.settings);
  return std::any_of(changes.short_ways.begin(), changes.short_ways.end(), is_key) ||
         std::any_of(settings.begin(), settings.end(), is_key);
}

}  // namespace

std::vector<std::string> axis_names() {
  std::vector<std::string> words;
  for (const SearchAxis axis : kSearchAxes) words.emplace_back(word_of_axis(axis));
  return words;
}

std::string axes_help() {
  return fmt::format(
      "Searched are tp, pp, micro_batch, recompute and zero, and with experts ep; what --free names instead, "
      "of {}; "
      "with --free all, all of these but precision, offload, the dispatcher and the overlaps, which takes "
      "long. What an option "
      "sets (--tp 8) or "
      "--keep "
      "names stays. dp follows from the devices.",
      fmt::join(axis_names(), ", "));
}

std::vector<OptionSpec> space_options(SpaceOptions& options) {
  return {{.name = "--free",
           .value = "LIST",
           .help = "What is searched instead of tp, pp, micro_batch, recompute and zero; or all",
           .target = list(options.free, axis_names())},
          {.name = "--keep",
           .value = "LIST",
           .help = "What stays as the job has it",
           .target = list(options.keep, axis_names())},
          {.name = "--memory-margin",
           .value = "SHARE",
           .help = "Memory of each device that must stay free, such as 8%; default none",
           .target = share(options.memory_margin, {.least = 0.0, .most = 0.9})},
          {.name = "--threads",
           .value = "N",
           .help = "Threads to search with; default one for each core. The result is the same",
           .target = whole_number(options.threads, {.least = 1, .most = 1024})}};
}

std::vector<SearchAxis> free_axes(const SpaceOptions& options, const JobSpec& job) {
  if (options.free && options.keep)
    throw UsageError("--free names all that is searched, so --keep says nothing more");
  const bool has_experts = job.model.experts.has_value();
  const bool is_all = options.free == "all";
  if (options.free && !is_all) {
    std::vector<SearchAxis> axes = parse_axes("--free", *options.free);
    const bool has_precision = std::find(axes.begin(), axes.end(), SearchAxis::precision) != axes.end();
    if (has_precision && storage_type(job.training.precision) != DType::bf16)
      throw UsageError(
          fmt::format("--free precision: the job computes in {}, whose weights and states are stored in "
                      "other types than those of "
                      "bf16, fp8, mxfp8 and nvfp4; say --set training.precision=bf16",
                      word_of(job.training.precision)));
    return axes;
  }
  std::vector<SearchAxis> axes = is_all ? all_axes(has_experts) : usual_axes(has_experts);
  std::erase_if(axes, [&](SearchAxis axis) { return is_set(options.changes, key_of_axis(axis)); });
  const std::vector<SearchAxis> kept =
      options.keep ? parse_axes("--keep", *options.keep) : std::vector<SearchAxis>{};
  for (const SearchAxis axis : kept) std::erase(axes, axis);
  return axes;
}

std::size_t threads_of(const SpaceOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace foreshard::cli
