#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/common_options.hpp"
#include "cli/options/disturb_options.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/option.hpp"

namespace foreshard::cli {

/// Values of the options of `simulate`.
struct SimulateOptions {
  std::string job;
  OutputChoice output;
  bool has_timeline = false;
  std::string trace;
  bool all_ranks = false;
  std::optional<std::int64_t> trace_micro_batches;
  std::string network = "alpha-beta";
  bool unfolded = false;
  DisturbOptions disturb;
  std::uint64_t seed = 1;
  std::size_t seeds = 1;
  std::string with;
  std::string placement = "packed";
  JobChanges changes;
};

/// The options of `simulate`, which write to `options`.
std::vector<OptionSpec> simulate_options(SimulateOptions& options);

}  // namespace foreshard::cli
