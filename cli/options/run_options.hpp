#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/options/common_options.hpp"
#include "cli/options/option.hpp"
#include "runtime/study/validate.hpp"

namespace foreshard::cli {

/// Values of the options that `validate` and `sweep` have in common.
struct RunOptions {
  std::string job;
  std::string cluster;
  std::string basis;  ///< model, replay or both; empty: model with --cluster, else replay
  OutputChoice output;
  std::optional<double> tolerance;  ///< a fraction
  int steps = 20;
  int threads = 0;
  double timeout = 60.0;
  bool no_numerics = false;
  std::vector<std::string> settings;
};

/// The argument JOB, and the options that both commands have. Both write to `options`.
OptionSpec run_argument(RunOptions& options);
std::vector<OptionSpec> run_options(RunOptions& options);

/// The options of a validation. The step predictor and the progress listener are not set.
ValidationOptions validation_options(const RunOptions& options);

}  // namespace foreshard::cli
