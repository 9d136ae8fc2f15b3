#include "cli/validate.hpp"

#include <memory>
#include <string>

#include "cli/command_line.hpp"
#include "cli/run_job.hpp"
#include "cli/run_options.hpp"
#include "cli/run_validation.hpp"

namespace foreshard::cli {
namespace {

struct ValidateOptions {
  RunOptions run;
  std::string trace;
};

CommandResult run_validate(const ValidateOptions& options, MpiSession& session) {
  ValidationOptions validation = validation_options(options.run);
  validation.trace = options.trace;
  const JobSpec job = load_runnable_job(session, {.job = options.run.job,
                                                  .cluster = options.run.cluster,
                                                  .settings = options.run.settings,
                                                  .command = "foreshard-run validate " + options.run.job});
  Progress progress(session.rank() == Rank(0));
  const Validation result = run_validation(session, job, validation, progress);
  return {
      .output = options.run.format == "json" ? validation_json(job, result) : validation_table(job, result),
      .code = result.passed() ? ExitCode::done : ExitCode::no};
}

constexpr const char* kExample =
    "Example:\n"
    "  mpirun -n 2 foreshard-run validate tiny-llama-laptop\n"
    "  mpirun -n 4 foreshard-run validate my-job.yaml --cluster my-cluster.yaml --tolerance 20%\n"
    "\n";

}  // namespace

void add_validate(CLI::App& app, Command& command, MpiSession& session) {
  const auto options = std::make_shared<ValidateOptions>();
  CLI::App* validate = app.add_subcommand(
      "validate", "Run a job's steps for real, one rank per device: predicted, measured, error.");
  add_run_options(*validate, options->run);
  validate
      ->add_option("--trace", options->trace,
                   "Also write both timelines, one above the other, for Perfetto or chrome://tracing")
      ->option_text("FILE");
  validate->footer(kExample + std::string(kExitCodes));
  validate->callback([options, &command, &session] {
    command = {.run = [options, &session] { return run_validate(*options, session); },
               .nothing_done = "nothing run"};
  });
}

}  // namespace foreshard::cli
