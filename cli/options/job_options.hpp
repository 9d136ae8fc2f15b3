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

/// An option that sets one key of a job, as --set would. `plan` and `simulate` take one value; `compare`
/// takes a list of them.
struct JobKeyOption {
  std::string_view option;           ///< "--tp"
  std::string_view key;              ///< "parallelism.tp"
  std::string_view meaning;          ///< for help texts: "Tensor-parallel degree"
  WholeBounds bounds{};              ///< of a whole number
  std::vector<std::string> words{};  ///< of a word; empty: it is a number
};

/// All of them, in the order in which help lists them.
const std::vector<JobKeyOption>& job_key_options();
/// @throws std::out_of_range where there is none of this name
const JobKeyOption& job_key_option(std::string_view option);

/// --on CLUSTER
OptionSpec on_option(JobChanges& changes);
/// --on, one option for each key above, and --set.
std::vector<OptionSpec> job_options(JobChanges& changes);

}  // namespace foreshard::cli
