#include "cli/commands/train.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/commands/run_job.hpp"
#include "cli/options/common_options.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/progress.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/training_record.hpp"
#include "planner/report/training_table.hpp"
#include "planner/spec/yaml/input_file.hpp"
#include "runtime/study/train.hpp"

namespace foreshard::cli {
namespace {

struct TrainOptions {
  std::string job;
  std::string text;
  report::OutputFormat format = report::OutputFormat::table;
  int steps = 300;
  double learning_rate = 1e-3;
  int threads = 0;
  double timeout = 60.0;
  std::vector<std::string> settings;
};

/// The largest part of a training text that is read. A rank keeps it twice, as characters and as tokens of
/// one byte.
constexpr std::size_t kMostTextMebibytes = 256;

std::string read_file(const std::string& path) {
  try {
    return read_input(path, path, kMostTextMebibytes);
  } catch (const InputError& error) {
    throw UsageError(fmt::format("the text '{}' cannot be read: {}", path, error.what()));
  }
}

CommandResult run_train(const TrainOptions& options, MpiSession& session) {
  const JobSpec job = load_runnable_job(session, {.job = options.job,
                                                  .cluster = {},
                                                  .settings = options.settings,
                                                  .command = "foreshard-run train " + options.job});
  const TokenText text = training_tokens(session, job, read_file(options.text), options.text);
  Progress progress(session.rank() == Rank(0));
  const TrainingCurve curve = train_job(session, job, text,
                                        {.steps = options.steps,
                                         .learning_rate = options.learning_rate,
                                         .threads = options.threads,
                                         .timeout = Seconds(options.timeout),
                                         .progress = progress.listener()});
  return result_of({.table = [&] { return training_table(job, curve); },
                    .record = [&] { return report::training_record(job, curve); }},
                   options.format, curve.is_finite() ? ExitCode::done : ExitCode::no);
}

}  // namespace

RunCommand train_command() {
  const auto options = std::make_shared<TrainOptions>();
  return {
      .spec = {.name = "train",
               .summary = "Train a job's model on the characters of a text, and show how its loss falls.",
               .arguments = {{.name = "JOB",
                              .help = "A job file or the name of a bundled job",
                              .is_required = true,
                              .offer = Offer::jobs,
                              .target = text(options->job)}},
               .options = {{.name = "--text",
                            .value = "FILE",
                            .help = "The text to train on; each different byte is a token",
                            .is_required = true,
                            .offer = Offer::files,
                            .target = text(options->text)},
                           {.name = "--steps",
                            .value = "N",
                            .help = "Steps to train; default 300",
                            .target = whole_number(options->steps, {.least = 1, .most = 1'000'000})},
                           {.name = "--learning-rate",
                            .value = "RATE",
                            .help = "Of every step; default 0.001",
                            .target =
                                number(options->learning_rate, {.least = 1e-12, .most = 1000.0}, "a number")},
                           format_option(options->format),
                           threads_option(options->threads),
                           timeout_option(options->timeout),
                           set_option(options->settings)},
               .examples =
                   "mpirun -n 2 foreshard-run train job.yaml --text book.txt\n"
                   "mpirun -n 4 foreshard-run train job.yaml --text book.txt --set 'parallelism={tp: 2, pp: "
                   "2}'\n"},
      .run = [options](MpiSession& session) { return run_train(*options, session); }};
}

}  // namespace foreshard::cli
