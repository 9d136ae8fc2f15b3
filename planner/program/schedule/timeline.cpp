#include "planner/program/schedule/timeline.hpp"

#include <algorithm>

namespace foreshard {

void NoTimeline::add(const Span& /*span*/) {}
void NoTimeline::add(const MemorySample& /*sample*/) {}

void Timeline::add(const Span& span) { spans_.push_back(span); }
void Timeline::add(const MemorySample& sample) { memory_.push_back(sample); }

TimelineSum::TimelineSum(const StepProgram& program) {
  entries_.reserve(program.blocks.size());
  for (const Block& block : program.blocks) entries_.emplace_back(block.ops.size());
}

void TimelineSum::add(const Span& span) {
  Entry& entry = entries_[span.block.at()][span.op.at()];
  ++entry.count;
  entry.time += span.end - span.start;
  end_ = std::max(end_, span.end);
}

void TimelineSum::add(const MemorySample& /*sample*/) {}

}  // namespace foreshard
