#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/commands/run_validation.hpp"

namespace foreshard::cli {

/// What `validate` and `sweep` ask alike.
struct RunOptions {
  std::string job;
  std::string cluster;
  std::string basis;  ///< model, replay or both; empty: model with --cluster, else replay
  std::string format = "table";
  std::string tolerance;
  int steps = 20;
  int threads = 0;
  double timeout = 60.0;
  bool no_numerics = false;
  std::vector<std::string> settings;
};

void add_run_options(CLI::App& command, RunOptions& options);

/// @throws UsageError for a tolerance that is no percentage
ValidationOptions validation_options(const RunOptions& options);

}  // namespace foreshard::cli
