#include "cli/counted_timeline.hpp"

namespace foreshard::cli {
namespace {

/// Of one rank of every stage.
std::int64_t count_operations(const StepProgram& program) {
  std::int64_t operations = 0;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    const std::vector<std::int64_t> visits = count_visits(program, StageId(stage));
    for (std::size_t block = 0; block < visits.size(); ++block)
      operations += visits[block] * static_cast<std::int64_t>(program.blocks[block].ops.size());
  }
  return operations;
}

constexpr std::int64_t kEvery = 1024;  // operations between two looks at the clock

}  // namespace

CountedTimeline::CountedTimeline(TimelineSink& next, const StepProgram& program, std::int64_t ranks,
                                 Progress& progress)
    : next_(next),
      progress_(progress),
      what_("simulating " + program.name),
      all_(ranks * count_operations(program)) {}

void CountedTimeline::add(const Span& span) {
  next_.add(span);
  if (++seen_ % kEvery == 0) progress_.update(what_, seen_, all_);
}

void CountedTimeline::add(const MemorySample& sample) { next_.add(sample); }

}  // namespace foreshard::cli
