#include "cli/commands/search_on_ranks.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/commands/run_job.hpp"
#include "cli/commands/search_answer.hpp"
#include "cli/options/common_options.hpp"
#include "cli/terminal/interruption.hpp"
#include "cli/terminal/output.hpp"
#include "cli/terminal/progress.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/search/best/plan_search.hpp"
#include "planner/spec/yaml/input_file.hpp"
#include "runtime/search/rank_workers.hpp"
#include "runtime/search/serve_search.hpp"

namespace foreshard::cli {
namespace {

struct RankSearchOptions {
  SearchOptions search;
  double timeout = 60.0;
};

/// What a search depends on, in words: ranks that have the same text find the same.
std::string words_of(const SpaceOptions& options, const SearchRequest& request) {
  std::string text = changed_job_text(options.job, options.changes, {}, {});
  text += fmt::format("margin {}", request.memory_margin);
  for (const SearchAxis axis : request.free) text += fmt::format(", {}", word_of_axis(axis));
  for (const JobSpec& job : request.sites)
    text += fmt::format(", {} × {}, batch {}", job.cluster.devices(), job.cluster.name,
                        job.training.global_batch);
  for (const InputDigest& input : noted_inputs()) text += fmt::format(", {}", input.sha256);
  return text;
}

std::vector<std::size_t> threads_of_ranks(const SpaceOptions& options, const MpiSession& session) {
  const std::uint64_t own =
      options.threads > 0 ? options.threads : static_cast<std::uint64_t>(session.threads_per_rank());
  const std::vector<std::uint64_t> all = session.gather(own);
  return {all.begin(), all.end()};
}

CommandResult run_search_on_ranks(const RankSearchOptions& options, MpiSession& session) {
  if (options.search.space.job == "-") throw UsageError("standard input reaches one rank alone: name a file");
  SearchRequest request = search_request(options.search);
  require_same(session, FORESHARD_VERSION, "version of foreshard-run");
  require_same(session, words_of(options.search.space, request), "job");
  const std::vector<std::size_t> threads = threads_of_ranks(options.search.space, session);
  request.threads = threads[session.rank().at()];
  if (session.rank() != Rank(0))
    return {.output = {}, .code = static_cast<ExitCode>(serve_search(session, request, request.threads))};

  Progress progress(true);
  stop_on_termination();
  std::unique_ptr<RankWorkers> workers;
  CommandResult result =
      answer_search(options.search, std::move(request), progress, [&](const SearchRequest& asked) {
        workers = std::make_unique<RankWorkers>(session, asked, threads);
        return search_plans(asked, *workers);
      });
  if (const std::optional<int> signal = stopping_signal(); signal && session.size() > 1) {
    // mpirun is ending the other ranks, and kills this one within a second. So the answer goes out now, and nothing is
    // waited for: not the tasks of this rank's threads, nor the others in MPI_Finalize.
    write_page(result);
    print_result(result.output);
    end_by_signal(*signal);
  }
  workers->end(static_cast<int>(result.code));
  return result;
}

}  // namespace

RunCommand search_on_ranks_command() {
  const auto options = std::make_shared<RankSearchOptions>();
  CommandSpec spec = search_spec(options->search);
  spec.summary = "Find the best plan of a job as `foreshard search` does, with all ranks of a run.";
  const auto threads = std::find_if(spec.options.begin(), spec.options.end(),
                                    [](const OptionSpec& option) { return option.name == "--threads"; });
  threads->help = "Threads of each rank; default its share of the host's cores. The result is the same";
  spec.options.push_back(timeout_option(options->timeout));
  spec.notes += " The first rank hands out parts of the search; the result is that of one process.";
  spec.examples =
      "mpirun -n 4 foreshard-run search my-job.yaml\n"
      "mpirun --hostfile hosts --map-by node:PE=32 foreshard-run search my-job.yaml --free all --emit "
      "plans\n";
  return {.spec = std::move(spec),
          .run = [options](MpiSession& session) { return run_search_on_ranks(*options, session); }};
}

}  // namespace foreshard::cli
