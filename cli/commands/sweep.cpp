#include "cli/commands/sweep.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands/run_job.hpp"
#include "cli/commands/run_validation.hpp"
#include "cli/options/run_options.hpp"
#include "cli/options/target.hpp"
#include "cli/options/value_list.hpp"
#include "planner/report/sweep.hpp"
#include "planner/search/variants.hpp"
#include "runtime/execute/runtime_limits.hpp"

namespace foreshard::cli {
namespace {

struct SweepOptions {
  RunOptions run;
  std::vector<std::int64_t> tp;
};

SweepEntry run_variant(const Variant& variant, MpiSession& session, const ValidationOptions& options,
                       Progress& progress) {
  SweepEntry entry{.job = variant.job};
  if (variant.illegal) {
    entry.why_not = *variant.illegal;
    return entry;
  }
  const std::vector<std::string> lacks = what_the_runtime_lacks(variant.job);
  if (!lacks.empty()) {
    entry.why_not = fmt::format("{}", fmt::join(lacks, "; "));
    return entry;
  }
  entry.validation = run_validation(session, variant.job, options, progress);
  return entry;
}

CommandResult run_sweep(const SweepOptions& options, MpiSession& session) {
  const ValidationOptions validation = validation_options(options.run);
  const JobSpec job = load_runnable_job(session, {.job = options.run.job,
                                                  .cluster = options.run.cluster,
                                                  .settings = options.run.settings,
                                                  .command = "foreshard-run sweep " + options.run.job});
  Progress progress(session.rank() == Rank(0));
  Sweep sweep;
  VariantAxes axes;
  axes.tp = options.tp;
  const std::vector<Variant> variants = make_variants(job, axes);
  for (std::size_t i = 0; i < variants.size(); ++i) {
    progress.begin_part(
        fmt::format("tp {}, {} of {}", variants[i].job.parallelism.tp, i + 1, variants.size()));
    sweep.entries.push_back(run_variant(variants[i], session, validation, progress));
  }
  return {.output = options.run.format == "json" ? sweep_json(job, sweep) : sweep_table(job, sweep),
          .code = sweep.passed() ? ExitCode::done : ExitCode::no,
          .is_table = options.run.format == "table"};
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
