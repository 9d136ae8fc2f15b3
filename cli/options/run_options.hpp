#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/options/option.hpp"
#include "planner/report/output_format.hpp"
#include "runtime/study/validate.hpp"

namespace foreshard::cli {

/// What `validate` and `sweep` ask alike.
struct RunOptions {
  std::string job;
  std::string cluster;
  std::string basis;  ///< model, replay or both; empty: model with --cluster, else replay
  report::OutputFormat format = report::OutputFormat::table;
  std::optional<double> tolerance;  ///< a fraction
  int steps = 20;
  int threads = 0;
  double timeout = 60.0;
  bool no_numerics = false;
  std::vector<std::string> settings;
};

/// The argument JOB and the options that both have; they write to `options`.
OptionSpec run_argument(RunOptions& options);
std::vector<OptionSpec> run_options(RunOptions& options);

/// What they ask of a validation; how steps are predicted, and who hears of progress, is left open.
ValidationOptions validation_options(const RunOptions& options);

}  // namespace foreshard::cli
