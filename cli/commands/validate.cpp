#include "cli/commands/validate.hpp"

#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "cli/options/command_line.hpp"
#include "cli/options/offers.hpp"
#include "cli/commands/run_job.hpp"
#include "cli/options/run_options.hpp"
#include "cli/commands/run_validation.hpp"

namespace foreshard::cli {
namespace {

struct ValidateOptions {
  RunOptions run;
  std::string trace;
  std::string shard;
};

/// "rank=3"
Rank parse_shard(const std::string& text) {
  constexpr std::string_view kKey = "rank=";
  std::int32_t rank = -1;
  const char* const end = text.data() + text.size();
  if (text.starts_with(kKey)) {
    const auto [rest, problem] = std::from_chars(text.data() + kKey.size(), end, rank);
    if (problem != std::errc() || rest != end) rank = -1;
  }
  if (rank < 0) throw UsageError(fmt::format("--shard takes a rank, as in rank=0, not '{}'", text));
  return Rank(rank);
}

/// What a run of one rank cannot do.
void require_shard_options(const ValidateOptions& options) {
  if (!options.trace.empty()) throw UsageError("--trace wants all ranks of a run; leave out --shard");
  if (options.run.basis == "replay" || options.run.basis == "both")
    throw UsageError(fmt::format("--basis {}: a shard is predicted from the cluster's constants; say model",
                                 options.run.basis));
}

CommandResult report(const ValidateOptions& options, const JobSpec& job, const Validation& result) {
  return {
      .output = options.run.format == "json" ? validation_json(job, result) : validation_table(job, result),
      .code = result.passed() ? ExitCode::done : ExitCode::no,
      .is_table = options.run.format == "table"};
}

CommandResult run_validate(const ValidateOptions& options, MpiSession& session) {
  ValidationOptions validation = validation_options(options.run);
  validation.trace = options.trace;
  const JobSource source{.job = options.run.job,
                         .cluster = options.run.cluster,
                         .settings = options.run.settings,
                         .command = "foreshard-run validate " + options.run.job};
  Progress progress(session.rank() == Rank(0));
  if (options.shard.empty()) {
    const JobSpec job = load_runnable_job(session, source);
    return report(options, job, run_validation(session, job, validation, progress));
  }
  const Rank rank = parse_shard(options.shard);
  require_shard_options(options);
  const JobSpec job = load_shard_job(session, source, rank);
  return report(options, job, run_shard(session, job, rank, validation, progress));
}

constexpr const char* kExample =
    "Example:\n"
    "  mpirun -n 2 foreshard-run validate tiny-llama-laptop\n"
    "  mpirun -n 4 foreshard-run validate my-job.yaml --cluster my-cluster.yaml --tolerance 20%\n"
    "  foreshard-run validate my-job.yaml --shard rank=0\n"
    "\n";

}  // namespace

void add_validate(CLI::App& app, RunCommand& command) {
  const auto options = std::make_shared<ValidateOptions>();
  CLI::App* validate = app.add_subcommand(
      "validate", "Run a job's steps for real, one rank per device: predicted, measured, error.");
  add_run_options(*validate, options->run);
  validate
      ->add_option("--trace", options->trace,
                   "Also write both timelines, one above the other, for Perfetto or chrome://tracing")
      ->check(offers(kOfferFiles))
      ->option_text("FILE");
  validate
      ->add_option("--shard", options->shard,
                   "Run this rank's share alone, on one device; communication is predicted, not run")
      ->option_text("rank=N");
  validate->footer(kExample + std::string(kExitCodes));
  validate->callback([options, &command] {
    command = [options](MpiSession& session) { return run_validate(*options, session); };
  });
}

}  // namespace foreshard::cli
