#include "cli/commands/train.hpp"

#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/commands/run_device.hpp"
#include "cli/commands/run_job.hpp"
#include "cli/commands/training_curve.hpp"
#include "cli/options/common_options.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/progress.hpp"
#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/spec/yaml/input_file.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/execute/mean_loss.hpp"
#include "runtime/shard/token_text.hpp"

namespace foreshard::cli {
namespace {

struct TrainOptions {
  std::string job;
  std::string text;
  std::string format = "table";
  int steps = 300;
  double learning_rate = 1e-3;
  int threads = 0;
  double timeout = 60.0;
  std::vector<std::string> settings;
};

/// The most that is read of a training text. A rank keeps it twice, as characters and as tokens of one byte.
constexpr std::size_t kMostTextMebibytes = 256;

std::string read_file(const std::string& path) {
  try {
    return read_input(path, path, kMostTextMebibytes);
  } catch (const InputError& error) {
    throw UsageError(fmt::format("the text '{}' cannot be read: {}", path, error.what()));
  }
}

/// The text that all ranks read alike. @throws UsageError where it does not suit the job
TokenText load_text(const MpiSession& session, const JobSpec& job, const std::string& path) {
  const std::string text = read_file(path);
  const std::uint64_t own = std::hash<std::string>{}(text);
  for (const std::uint64_t other : session.gather(own)) {
    if (other != own) throw UsageError(fmt::format("the ranks read different texts from '{}'", path));
  }
  TokenText tokens = tokens_of(text);
  const auto letters = static_cast<std::int64_t>(tokens.alphabet.size());
  if (static_cast<std::int64_t>(tokens.tokens.size()) <= job.training.sequence_length)
    throw UsageError(fmt::format("'{}' has {} characters, and a sequence alone has {}: take a longer text",
                                 path, tokens.tokens.size(), job.training.sequence_length));
  if (letters > job.model.vocab)
    throw UsageError(
        fmt::format("'{}' has {} different characters, and the model knows {}: set model.vocab to "
                    "{} or more",
                    path, letters, job.model.vocab, letters));
  return tokens;
}

/// All ranks together.
TrainingCurve train(MpiSession& session, const JobSpec& job, const TokenText& text,
                    const TrainOptions& options) {
  const DeviceMesh mesh(job.parallelism);
  const StepProgram program = build_step_program(job);
  require_memory(session, memory_report(job, program).peak);
  const std::unique_ptr<Device> device = make_device(session, job.cluster.accelerator, options.threads);
  const std::unique_ptr<Communicator> communicator = make_communicator(session, job, mesh, *device);
  session.watch(mesh, Seconds(options.timeout));

  RankPlan plan(program, *device, *communicator);
  Executor executor(plan, *device, *communicator, &session.note());
  executor.initialize();
  executor.tokens().read(text);
  plan.optimizer().learning_rate = options.learning_rate;

  TrainingCurve curve{
      .machine = fmt::format("{} rank{} of {} ({}), {}", session.size(), session.size() == 1 ? "" : "s",
                             session.host(), device->name(), communicator->name()),
      .characters = static_cast<std::int64_t>(text.tokens.size()),
      .alphabet = static_cast<std::int64_t>(text.alphabet.size()),
      .entropy = text.entropy(),
      .learning_rate = options.learning_rate,
      .losses = {},
      .time = {}};
  Progress progress(session.rank() == Rank(0));
  for (int step = 0; step < options.steps; ++step) {
    const double own = executor.run_step();
    curve.losses.push_back(mean_loss(plan, own, *communicator));
    curve.time += executor.step_time();
    if (!std::isfinite(curve.losses.back())) break;
    progress.update(fmt::format("training, loss {:.3f}", curve.losses.back()), step + 1, options.steps);
  }
  return curve;
}

CommandResult run_train(const TrainOptions& options, MpiSession& session) {
  const JobSpec job = load_runnable_job(session, {.job = options.job,
                                                  .cluster = {},
                                                  .settings = options.settings,
                                                  .command = "foreshard-run train " + options.job});
  const TokenText text = load_text(session, job, options.text);
  const TrainingCurve curve = train(session, job, text, options);
  const bool is_table = options.format == "table";
  return {.output = is_table ? training_table(job, curve) : training_json(job, curve),
          .code = curve.is_finite() ? ExitCode::done : ExitCode::no,
          .is_table = is_table};
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
                           format_option(options->format, {"table", "json"}),
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
