#include "cli/commands/export.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/options/job_input.hpp"
#include "cli/options/job_options.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/export/export_job.hpp"

namespace foreshard::cli {
namespace {

struct ExportOptions {
  std::string job;
  std::optional<ExportTarget> target;
  JobChanges changes;
};

std::vector<std::string> target_words() {
  std::vector<std::string> words;
  for (const Named<ExportTarget>& named : kWords<ExportTarget>) words.emplace_back(named.word);
  return words;
}

CommandResult run_export(const ExportOptions& options) {
  if (!options.target)
    throw UsageError(fmt::format("--to is missing: one of {}", fmt::join(target_words(), ", ")));
  const NamedJobs named = load_changed_jobs(options.job, options.changes);
  if (named.jobs.size() != 1)
    throw UsageError(
        fmt::format("{} holds {} jobs; one is exported at a time", options.job, named.jobs.size()));
  return {.output = export_job(named.jobs.front(), *options.target)};
}

}  // namespace

Command export_command() {
  const auto options = std::make_shared<ExportOptions>();
  CommandSpec spec{.name = "export",
                   .summary = "Write a job as arguments or configuration of a training framework.",
                   .arguments = {{.name = "JOB",
                                  .help = kJobHelp,
                                  .is_required = true,
                                  .offer = Offer::jobs,
                                  .target = text(options->job)}},
                   .options = job_options(options->changes),
                   .notes =
                       "Comments in the output name what the job says and the framework has no option for. "
                       "Data, tokenizer and learning rates are yours to add.\n",
                   .examples =
                       "foreshard export llama3-70b-64h100 --to megatron > run.sh\n"
                       "foreshard export llama3-8b --on dgx-h100 --to torchtitan\n"
                       "foreshard export my-job.yaml --to nccl-tests\n"};
  spec.options.push_back(
      {.name = "--to",
       .value = "TARGET",
       .help =
           "megatron, megatron-bridge, torchtitan, deepspeed, nanotron, automodel, accelerate, nccl-tests "
           "(commands that measure the plan's collectives) or slurm",
       .target = one_of(target_words(), [options](const std::string&, const std::string& word) {
         options->target = value_of<ExportTarget>(word);
       })});
  return {.spec = std::move(spec),
          .run = [options] { return run_export(*options); },
          .nothing_done = "nothing exported"};
}

}  // namespace foreshard::cli
