#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options/job_input.hpp"
#include "cli/options/numbers.hpp"
#include "cli/options/option.hpp"

namespace foreshard::cli {

/// An option that sets one key of a job, as --set does. For `plan` and `simulate` it takes one value, for
/// `compare` a list of values.
struct JobKeyOption {
  std::string_view option;           ///< "--tp"
  std::string_view key;              ///< "parallelism.tp"
  std::string_view meaning;          ///< for help texts: "Tensor-parallel degree"
  WholeBounds bounds{};              ///< bounds, if the value is a whole number
  std::vector<std::string> words{};  ///< allowed words; empty: the value is a whole number
};

/// All these options, in the order in which help lists them.
const std::vector<JobKeyOption>& job_key_options();
/// The option with this name. @throws std::out_of_range if there is none
const JobKeyOption& job_key_option(std::string_view option);

/// --on CLUSTER
OptionSpec on_option(JobChanges& changes);
/// --on, the options of job_key_options(), and --set.
std::vector<OptionSpec> job_options(JobChanges& changes);

}  // namespace foreshard::cli
