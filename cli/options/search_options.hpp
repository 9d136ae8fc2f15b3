#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/job_input.hpp"
#include "cli/options/option.hpp"
#include "planner/search/best/search_request.hpp"
#include "planner/search/space/search_axis.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::cli {

/// What `search` and `buy` share: the job, what of it is searched, and with how many threads.
struct SpaceOptions {
  std::string job;
  JobChanges changes;
  std::optional<std::string> free;
  std::optional<std::string> keep;
  double memory_margin = 0.0;
  std::size_t threads = 0;  ///< 0: one for each core
};

/// --free, --keep, --memory-margin, --threads.
std::vector<OptionSpec> space_options(SpaceOptions& options);

/// The words of all axes.
std::vector<std::string> axis_names();
/// Names all axes, for help texts.
std::string axes_help();

/// The axes to search: those of --free; else the usual ones without those of --keep and those whose keys are set on the
/// command line. @throws UsageError for a word that names no axis
std::vector<SearchAxis> free_axes(const SpaceOptions& options, const JobSpec& job);

std::size_t threads_of(const SpaceOptions& options);

}  // namespace foreshard::cli
