#include "cli/commands/sweep.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands/run_job.hpp"
#include "cli/options/run_options.hpp"
#include "cli/options/target.hpp"
#include "cli/options/value_list.hpp"
#include "cli/terminal/progress.hpp"
#include "planner/report/sweep_record.hpp"
#include "planner/report/sweep_table.hpp"
#include "planner/search/variants.hpp"
#include "runtime/study/sweep.hpp"
#include "sim/study/predict_step.hpp"

namespace foreshard::cli {
namespace {

struct SweepOptions {
  RunOptions run;
  std::vector<std::int64_t> tp;
};

CommandResult run_sweep(const SweepOptions& options, MpiSession& session) {
  const JobSpec job = load_runnable_job(session, {.job = options.run.job,
                                                  .cluster = options.run.cluster,
                                                  .settings = options.run.settings,
                                                  .command = "foreshard-run sweep " + options.run.job});
  Progress progress(session.rank() == Rank(0));
  ValidationOptions validation = validation_options(options.run);
  validation.predict = predict_step;
  validation.progress = progress.listener();
  VariantAxes axes;
  axes.tp = options.tp;
  const Sweep sweep = sweep_job(session, make_variants(job, axes), validation);
  return result_of({.table = [&] { return sweep_table(job, sweep); },
                    .record = [&] { return report::sweep_record(job, sweep); }},
                   options.run.output, sweep.passed() ? ExitCode::done : ExitCode::no);
}

}  // namespace

RunCommand sweep_command() {
  const auto options = std::make_shared<SweepOptions>();
  CommandSpec spec{
      .name = "sweep",
      .summary =
          "Validate a job at several tensor-parallel degrees: is the predicted order the measured one?",
      .arguments = {run_argument(options->run)},
      .options = run_options(options->run),
      .examples = "mpirun -n 2 foreshard-run sweep tiny-llama-laptop --tp 1,2\n"};
  spec.options.push_back({.name = "--tp",
                          .value = "LIST",
                          .help = "Tensor-parallel degrees, such as 1,2,4 or 1-4; dp follows",
                          .is_required = true,
                          .target = setter([options](const std::string& option, const std::string& given) {
                            options->tp = parse_whole_list(option, given, {.least = 1, .most = 1 << 20});
                          })});
  return {.spec = std::move(spec),
          .run = [options](MpiSession& session) { return run_sweep(*options, session); }};
}

}  // namespace foreshard::cli
