#include "cli/options/simulate_options.hpp"

#include <limits>
#include <utility>

#include "cli/options/job_options.hpp"
#include "cli/options/target.hpp"

namespace foreshard::cli {

std::vector<OptionSpec> simulate_options(SimulateOptions& options) {
  std::vector<OptionSpec> specs{
      format_option(options.output.format),
      html_option(options.output),
      {.name = "--timeline",
       .help = "In JSON, also the passes of each stage as pages draw them",
       .target = flag(options.has_timeline)},
      {.name = "--trace",
       .value = "FILE",
       .help = "Also write the timeline, for Perfetto or chrome://tracing; compressed by gzip where the name "
               "ends in .gz",
       .offer = Offer::files,
       .target = text(options.trace)},
      {.name = "--all-ranks",
       .help = "In the trace, a process for every rank, not one a stage",
       .target = flag(options.all_ranks)},
      {.name = "--trace-micro-batches",
       .value = "N",
       .help = "In the trace, only the first N micro-batches, and what belongs to none; default all",
       .target = whole_number(options.trace_micro_batches,
                              {.least = 1, .most = std::numeric_limits<std::int64_t>::max()})},
      {.name = "--network",
       .value = "MODEL",
       .help = "alpha-beta: a communication takes what it does alone; flow: as flows over the cluster's "
               "links, which all share; default alpha-beta",
       .target = word(options.network, {"alpha-beta", "flow"})},
      {.name = "--unfolded",
       .help = "Play every rank, not one for each stage",
       .target = flag(options.unfolded)}};
  for (OptionSpec& option : disturb_options(options.disturb)) specs.push_back(std::move(option));
  constexpr WholeBounds kSeeds{.least = 0, .most = std::numeric_limits<std::int64_t>::max()};
  std::vector<OptionSpec> drawn{
      {.name = "--seed",
       .value = "N",
       .help = "Of what is drawn by chance; default 1",
       .target = whole_number(options.seed, kSeeds)},
      {.name = "--seeds",
       .value = "N",
       .help = "Draw so many times, from --seed on, and say how steps spread",
       .target = whole_number(options.seeds, {.least = 1, .most = 1'000'000})},
      {.name = "--with",
       .value = "JOB",
       .help = "With --network flow: another job that runs on the same fabric",
       .offer = Offer::jobs,
       .target = text(options.with)},
      {.name = "--placement",
       .value = "HOW",
       .help = "Of both jobs' nodes: packed, one job's after the other's, or interleaved; default packed",
       .target = word(options.placement, {"packed", "interleaved"})}};
  for (OptionSpec& option : drawn) specs.push_back(std::move(option));
  for (OptionSpec& option : job_options(options.changes)) specs.push_back(std::move(option));
  return specs;
}

}  // namespace foreshard::cli
