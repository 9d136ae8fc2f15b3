#include "cli/commands/diagnose.hpp"

#include <filesystem>
#include <fstream>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/files/gzip_buffer.hpp"
#include "cli/files/hashing_buffer.hpp"
#include "cli/options/common_options.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/job_options.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/diagnose/diagnosis.hpp"
#include "planner/report/diagnose/diagnosis_table.hpp"
#include "planner/spec/yaml/input_file.hpp"
#include "planner/trace/kineto_json.hpp"
#include "planner/trace/trace_sums.hpp"
#include "planner/trace/training_log.hpp"

namespace foreshard::cli {
namespace {

struct DiagnoseOptions {
  std::string job;
  std::string trace;
  std::string log;
  JobChanges changes;
  report::OutputFormat format = report::OutputFormat::table;
};

/// Opens a file that may be compressed, and gives it to `read`. @throws UsageError if it cannot be read
template <class Read>
auto read_file(const std::string& name, const Read& read) {
  if (std::filesystem::is_directory(name)) throw UsageError(fmt::format("'{}' is a directory", name));
  std::ifstream file(name, std::ios::binary);
  if (!file) throw UsageError(fmt::format("'{}' cannot be read", name));
  HashingBuffer bytes(*file.rdbuf());
  GunzipBuffer buffer(bytes);
  std::istream in(&buffer);
  try {
    auto result = read(in);
    if (buffer.is_damaged()) throw UsageError(fmt::format("'{}' is damaged or cut off", name));
    note_input({.name = name, .sha256 = bytes.sha256_to_the_end()});
    return result;
  } catch (const SpecError&) {
    // A file that is cut off is not whole JSON either: say the cause.
    if (buffer.is_damaged()) throw UsageError(fmt::format("'{}' is damaged or cut off", name));
    throw;
  }
}

TraceDiagnosis trace_of(const DiagnoseOptions& options, const JobSpec& job, const Estimate& estimate) {
  TraceSums sums;
  const TraceHeader header = read_file(options.trace, [&](std::istream& in) {
    return read_kineto(in, options.trace, [&](const TraceEvent& event) { sums.add(event); });
  });
  const TracedSteps traced = sums.finish(header);
  if (traced.kernels == 0)
    throw UsageError(fmt::format(
        "'{}' has no kernels of a device: was it recorded with ProfilerActivity.CUDA?", options.trace));
  return diagnose_trace(job, estimate, traced, header);
}

LoggedTimes log_of(const DiagnoseOptions& options, const JobSpec& job, const Estimate& estimate) {
  const auto steps = read_file(options.log, [](std::istream& in) { return read_training_log(in); });
  const double tokens = estimate.step.tokens / static_cast<double>(job.cluster.devices());
  const auto times = logged_times(steps, tokens);
  if (!times)
    throw UsageError(
        fmt::format("'{}' has no lines like Megatron-LM's 'elapsed time per iteration (ms): …' or "
                    "torchtitan's 'step: … tps: …'",
                    options.log));
  return *times;
}

CommandResult run_diagnose(const DiagnoseOptions& options) {
  if (options.trace.empty() && options.log.empty())
    throw UsageError("nothing to diagnose: give --trace, --log or both");
  const JobSpec job = load_only_job(options.job, options.changes, "diagnose");
  const Estimate planned = estimate(job);
  std::optional<TraceDiagnosis> trace;
  std::optional<LoggedTimes> log;
  if (!options.trace.empty()) trace = trace_of(options, job, planned);
  if (!options.log.empty()) log = log_of(options, job, planned);
  const Diagnosis diagnosis = diagnose(planned, std::move(trace), log);
  const std::string source = std::filesystem::path(options.log).filename().string();
  return result_of({.table = [&] { return diagnosis_table(job, diagnosis, source); },
                    .record = [&] { return report::diagnosis_record(job, diagnosis); }},
                   options.format);
}

}  // namespace

Command diagnose_command() {
  const auto options = std::make_shared<DiagnoseOptions>();
  CommandSpec spec{
      .name = "diagnose",
      .summary = "Lay a measured step, from a profiler's trace or a training log, beside its plan.",
      .arguments = {{.name = "JOB",
                     .help = kJobHelp,
                     .is_required = true,
                     .offer = Offer::jobs,
                     .target = text(options->job)}},
      .options = job_options(options->changes),
      .notes =
          "The trace is that of one rank, as PyTorch's profiler exports it (Kineto); it may be "
          "compressed by gzip. The log is what Megatron-LM or torchtitan print.",
      .examples =
          "foreshard diagnose my-job.yaml --trace rank0.json.gz\n"
          "foreshard diagnose my-job.yaml --log train.log\n"};
  spec.options.push_back({.name = "--trace",
                          .value = "FILE",
                          .help = "A trace of PyTorch's profiler: .json or .json.gz",
                          .offer = Offer::files,
                          .target = text(options->trace)});
  spec.options.push_back({.name = "--log",
                          .value = "FILE",
                          .help = "A log of Megatron-LM or torchtitan",
                          .offer = Offer::files,
                          .target = text(options->log)});
  spec.options.push_back(format_option(options->format));
  return {.spec = std::move(spec),
          .run = [options] { return run_diagnose(*options); },
          .nothing_done = "nothing diagnosed"};
}

}  // namespace foreshard::cli
