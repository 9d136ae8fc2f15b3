#include "cli/options/run_options.hpp"

#include "cli/options/target.hpp"

namespace foreshard::cli {

OptionSpec run_argument(RunOptions& options) {
  return {.name = "JOB",
          .help = "A job file or the name of a bundled job",
          .is_required = true,
          .offer = Offer::jobs,
          .target = text(options.job)};
}

std::vector<OptionSpec> run_options(RunOptions& options) {
  return {
      {.name = "--cluster",
       .value = "FILE",
       .help = "A cluster file that calibrate has written (or a cluster's name), in place of the job's",
       .offer = Offer::clusters,
       .target = text(options.cluster)},
      {.name = "--steps",
       .value = "N",
       .help = "Steps to measure; default 20",
       .target = whole_number(options.steps, {.least = 1, .most = 1'000'000})},
      {.name = "--tolerance",
       .value = "SHARE",
       .help = "Exit with 1 where the step's prediction is further off: a percentage such as 10%, or a "
               "fraction below 1 such as 0.1",
       .target = share(options.tolerance, {.least = 0.0, .most = 1.0})},
      {.name = "--basis",
       .value = "BASIS",
       .help = "Predict from the cluster's constants (model), from a timing of this job's operations "
               "(replay), or both; default model with --cluster, else replay",
       .target = word(options.basis, {"model", "replay", "both"})},
      format_option(options.output.format),
      html_option(options.output),
      {.name = "--no-numerics",
       .help = "Skip the comparison with the unsharded run",
       .target = flag(options.no_numerics)},
      threads_option(options.threads),
      timeout_option(options.timeout),
      set_option(options.settings),
  };
}

ValidationOptions validation_options(const RunOptions& options) {
  ValidationOptions validation{.predict = {},
                               .steps = options.steps,
                               .basis = options.cluster.empty() ? Basis::replay : Basis::model,
                               .both = options.basis == "both",
                               .numerics = !options.no_numerics,
                               .threads = options.threads,
                               .timeout = Seconds(options.timeout)};
  if (options.basis == "model") validation.basis = Basis::model;
  if (options.basis == "replay") validation.basis = Basis::replay;
  validation.tolerance = options.tolerance;
  return validation;
}

}  // namespace foreshard::cli
