#include "cli/commands/export.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/files/output_file.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/job_options.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/export/chakra/chakra_traces.hpp"
#include "planner/export/export_job.hpp"
#include "planner/report/format.hpp"

namespace foreshard::cli {
namespace {

constexpr const char* kChakra = "chakra";  // the one target that is files of bytes, one for each rank

struct ExportOptions {
  std::string job;
  std::optional<ExportTarget> target;
  bool is_chakra = false;
  std::string out;  ///< for chakra: what the files' names begin with
  JobChanges changes;
};

std::vector<std::string> target_words() {
  std::vector<std::string> words;
  for (const Named<ExportTarget>& named : kWords<ExportTarget>) words.emplace_back(named.word);
  words.emplace_back(kChakra);
  return words;
}

/// Writes OUT.RANK.et for each rank, and OUT.groups.json.
CommandResult write_chakra(const JobSpec& job, const std::string& out) {
  const ChakraTraces traces(job);
  std::int64_t nodes = 0;
  for (std::int64_t r = 0; r < traces.ranks(); ++r) {
    const Rank rank(static_cast<std::size_t>(r));
    OutputFile file(fmt::format("{}.{}.et", out, r));
    traces.write(rank, file.stream());
    file.finish();
    nodes += traces.nodes(rank);
  }
  OutputFile groups(out + ".groups.json");
  groups.stream() << traces.groups_json();
  groups.finish();
  return {
      .output = fmt::format(
          "{0} nodes in {1} traces, {2}.0.et and on, and their groups in {2}.groups.json. For ASTRA-sim:\n"
          "  --workload-configuration={2} --comm-group-configuration={2}.groups.json\n",
          report::grouped(nodes), report::grouped(traces.ranks()), out)};
}

CommandResult run_export(const ExportOptions& options) {
  if (!options.target && !options.is_chakra)
    throw UsageError(fmt::format("--to is missing: one of {}", fmt::join(target_words(), ", ")));
  if (options.is_chakra && options.out.empty())
    throw UsageError("--to chakra writes files: --out is missing, with which their names begin");
  if (!options.is_chakra && !options.out.empty())
    throw UsageError("--out belongs to --to chakra; other targets are printed");
  const JobSpec job = load_only_job(options.job, options.changes, "export");
  if (options.is_chakra) return write_chakra(job, options.out);
  return {.output = export_job(job, *options.target)};
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
                       "foreshard export my-job.yaml --to nccl-tests\n"
                       "foreshard export llama3-8b-8h100 --batch 16 --to chakra --out traces/step\n"};
  spec.options.push_back(
      {.name = "--to",
       .value = "TARGET",
       .help =
           "megatron, megatron-bridge, torchtitan, deepspeed, nanotron, automodel, accelerate, nccl-tests "
           "(commands that measure the plan's collectives), slurm or chakra (execution traces for ASTRA-sim)",
       .target = one_of(target_words(), [options](const std::string&, const std::string& word) {
         options->is_chakra = word == kChakra;
         options->target = value_of<ExportTarget>(word);
       })});
  spec.options.push_back({.name = "--out",
                          .value = "PREFIX",
                          .help = "Of --to chakra: what the names of its files begin with",
                          .target = text(options->out)});
  return {.spec = std::move(spec),
          .run = [options] { return run_export(*options); },
          .nothing_done = "nothing exported"};
}

}  // namespace foreshard::cli
