#include "cli/commands/calibrate.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cli/files/output_file.hpp"
#include "cli/options/common_options.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/progress.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/calibration_record.hpp"
#include "planner/report/calibration_table.hpp"
#include "planner/spec/cluster/write_cluster.hpp"
#include "planner/spec/load/load.hpp"
#include "runtime/study/calibrate.hpp"

namespace foreshard::cli {
namespace {

struct CalibrateOptions {
  std::string out;
  std::string name;
  std::string like;
  std::string precision;
  bool quick = false;
  int threads = 0;
  double timeout = 60.0;  ///< in force since the ranks started: foreshard_run.cpp reads it before the parser
  report::OutputFormat format = report::OutputFormat::table;
};

std::string today() {
  const auto day = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

/// Opens the output file on rank 0; null on other ranks. It is opened before measuring, so that a minute of
/// measurements is not lost because a file cannot be written.
std::unique_ptr<OutputFile> open_output(const MpiSession& session, const std::string& out) {
  return session.rank() == Rank(0) ? std::make_unique<OutputFile>(out) : nullptr;
}

/// The name of the measured cluster, as it appears in plans: the file's name without its extension.
std::string name_for(const CalibrateOptions& options) {
  const std::string name =
      options.name.empty() ? std::filesystem::path(options.out).stem().string() : options.name;
  const bool is_blank =
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isspace(c) != 0; });
  if (is_blank) throw UsageError("--name is blank: give the cluster a name");
  return name;
}

/// Loads the cluster with this name or in this file.
ClusterSpec load_like(const std::string& named) {
  const bool is_file = std::filesystem::exists(named);
  return load_cluster(is_file ? std::filesystem::absolute(named).string() : named);
}

/// Advice on what to do with the file next.
std::string next_step(const CalibrateOptions& options, const MpiSession& session) {
  const std::string validate = "foreshard-run validate JOB.yaml --cluster " + options.out;
  if (!options.like.empty() && session.size() == 1) return validate + " --shard rank=0";
  return fmt::format("mpirun -n {} {}", session.size(), validate);
}

CommandResult run_calibrate(const CalibrateOptions& options, const MpiSession& session) {
  if (!options.like.empty() && options.precision == "fp32")
    throw UsageError("--like measures a GPU in bf16: leave --precision fp32 out");
  Progress progress(session.rank() == Rank(0));
  const CalibrationOptions how{
      .name = name_for(options),
      .date = today(),
      .version = FORESHARD_VERSION,
      .effort = options.quick ? CalibrationEffort::quick : CalibrationEffort::usual,
      .precision = options.precision == "bf16" ? Precision::bf16 : Precision::fp32,
      .threads = options.threads > 0 ? options.threads : static_cast<int>(session.threads_per_rank()),
      .progress = [&](const std::string& what, int done, int of) { progress.update(what, done, of); }};
  const std::unique_ptr<OutputFile> file = open_output(session, options.out);
  const CalibrationResult calibration = options.like.empty()
                                            ? calibrate_processors(session, how)
                                            : calibrate_gpus(session, load_like(options.like), how);
  if (file == nullptr) return {};
  file->stream() << write_cluster(calibration.cluster, calibration.comment, calibration.sources);
  file->finish();
  const auto table = [&] {
    return calibration_table(calibration) +
           fmt::format("\nwrote {}\nnext: {}\n", options.out, next_step(options, session));
  };
  return result_of({.table = table, .record = [&] { return report::calibration_record(calibration); }},
                   options.format);
}

std::vector<OptionSpec> calibrate_options(CalibrateOptions& options) {
  return {
      {.name = "--out",
       .value = "FILE",
       .help = "The cluster file to write",
       .is_required = true,
       .offer = Offer::files,
       .target = text(options.out)},
      {.name = "--name",
       .value = "NAME",
       .help = "Of the cluster; default the file's name",
       .target = text(options.name)},
      {.name = "--like",
       .value = "CLUSTER",
       .help = "Measure this machine's GPUs, one per rank, and the links between them; the rest of the "
               "cluster is as this one, such as dgx-h100",
       .offer = Offer::clusters,
       .target = text(options.like)},
      {.name = "--precision",
       .value = "PRECISION",
       .help = "What jobs compute with whose plans the file is for: fp32 or bf16; default fp32, with --like "
               "bf16",
       .target = word(options.precision, {"fp32", "bf16"})},
      {.name = "--quick",
       .help = "Measure less, in under 15 seconds: a first impression",
       .target = flag(options.quick)},
      format_option(options.format),
      threads_option(options.threads),
      timeout_option(options.timeout)};
}

}  // namespace

RunCommand calibrate_command() {
  const auto options = std::make_shared<CalibrateOptions>();
  return {
      .spec = {.name = "calibrate",
               .summary = "Measure this machine and write a cluster file with which plans are about it.",
               .options = calibrate_options(*options),
               .notes =
                   "Measures kernels and links with all ranks at the same time, about a minute, and fits "
                   "the\nplanner's constants to them. Run it with the ranks and the binding that jobs "
                   "will have.",
               .examples = "mpirun -n 2 foreshard-run calibrate --out my-cluster.yaml\n"
                           "foreshard plan my-job.yaml --on my-cluster.yaml\n"
                           "mpirun -n 2 foreshard-run validate my-job.yaml --cluster my-cluster.yaml\n"
                           "mpirun -n 2 foreshard-run calibrate --precision bf16 --out my-bf16-cluster.yaml\n"
                           "foreshard-run calibrate --like dgx-h100 --out eight-of-these.yaml\n"
                           "mpirun -n 8 foreshard-run calibrate --like dgx-h100 --out these-eight.yaml\n"},
      .run = [options](MpiSession& session) { return run_calibrate(*options, session); }};
}

}  // namespace foreshard::cli
