#include "cli/commands/validate.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/commands/run_job.hpp"
#include "cli/files/output_file.hpp"
#include "cli/options/run_options.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/progress.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/validation_record.hpp"
#include "planner/report/validation_table.hpp"
#include "runtime/study/validate.hpp"
#include "sim/study/predict_step.hpp"

namespace foreshard::cli {
namespace {

struct ValidateOptions {
  RunOptions run;
  std::string trace;
  std::optional<Rank> shard;
};

/// "rank=3"
Rank parse_shard(const std::string& option, const std::string& text) {
  constexpr std::string_view kKey = "rank=";
  if (!text.starts_with(kKey))
    throw UsageError(fmt::format("{} takes a rank, as in rank=0, not '{}'", option, text));
  const WholeBounds ranks{.least = 0, .most = std::numeric_limits<std::int32_t>::max()};
  return Rank(static_cast<std::int32_t>(
      parse_whole(fmt::format("{} {}", option, kKey), std::string_view(text).substr(kKey.size()), ranks)));
}

/// Refuses options that cannot be used when only one rank's share is run.
void require_shard_options(const ValidateOptions& options) {
  if (!options.trace.empty()) throw UsageError("--trace wants all ranks of a run; leave out --shard");
  if (options.run.basis == "replay" || options.run.basis == "both")
    throw UsageError(fmt::format("--basis {}: a shard is predicted from the cluster's constants; say model",
                                 options.run.basis));
}

/// Returns a listener that writes both timelines to a file on rank 0; other ranks drop them. The file is
/// opened now, so that an error is reported before the run instead of after it.
TimelinesListener timelines_writer(const std::string& trace, const JobSpec& job, const MpiSession& session) {
  if (trace.empty()) return {};
  std::shared_ptr<OutputFile> file;
  if (session.rank() == Rank(0)) file = std::make_shared<OutputFile>(trace, compression_for(trace));
  return [file, &job](const StepProgram& program, const OpTimes& times, const Timeline& measured) {
    if (file == nullptr) return;
    write_both_timelines(file->stream(), job, program, times, measured);
    file->finish();
  };
}

CommandResult run_validate(const ValidateOptions& options, MpiSession& session) {
  const JobSource source{.job = options.run.job,
                         .cluster = options.run.cluster,
                         .settings = options.run.settings,
                         .command = "foreshard-run validate " + options.run.job};
  if (options.shard) require_shard_options(options);
  const JobSpec job =
      options.shard ? load_shard_job(session, source, *options.shard) : load_runnable_job(session, source);
  Progress progress(session.rank() == Rank(0));
  ValidationOptions validation = validation_options(options.run);
  validation.predict = predict_step;
  validation.timelines = timelines_writer(options.trace, job, session);
  validation.progress = progress.listener();
  const Validation result = options.shard ? validate_shard(session, job, *options.shard, validation)
                                          : validate_job(session, job, validation);
  return result_of({.table = [&] { return validation_table(job, result); },
                    .record = [&] { return report::validation_record(job, result); }},
                   options.run.output, result.passed() ? ExitCode::done : ExitCode::no);
}

}  // namespace

RunCommand validate_command() {
  const auto options = std::make_shared<ValidateOptions>();
  CommandSpec spec{
      .name = "validate",
      .summary = "Run a job's steps for real, one rank per device: predicted, measured, error.",
      .arguments = {run_argument(options->run)},
      .options = run_options(options->run),
      .examples =
          "mpirun -n 2 foreshard-run validate tiny-llama-laptop\n"
          "mpirun -n 4 foreshard-run validate my-job.yaml --cluster my-cluster.yaml --tolerance 20%\n"
          "foreshard-run validate my-job.yaml --shard rank=0\n"};
  spec.options.push_back(
      {.name = "--trace",
       .value = "FILE",
       .help = "Also write both timelines, one above the other, for Perfetto or chrome://tracing",
       .offer = Offer::files,
       .target = text(options->trace)});
  spec.options.push_back(
      {.name = "--shard",
       .value = "rank=N",
       .help = "Run this rank's share alone, on one device; communication is predicted, not run",
       .target = setter([options](const std::string& option, const std::string& given) {
         options->shard = parse_shard(option, given);
       })});
  return {.spec = std::move(spec),
          .run = [options](MpiSession& session) { return run_validate(*options, session); }};
}

}  // namespace foreshard::cli
