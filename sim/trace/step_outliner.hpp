#pragma once

#include <cstddef>
#include <map>
#include <utility>

#include "planner/program/schedule/timeline.hpp"
#include "planner/results/step_outline.hpp"

namespace foreshard {

/// Reduces a timeline to its outline while the step is simulated: millions of operations become the passes
/// of micro-batches through stages. Of a stage whose ranks are simulated one by one, the first is kept.
class StepOutliner : public TimelineSink {
 public:
  /// Keeps a reference to `program`. @param resolution  pauses up to this length do not end a span
  StepOutliner(const StepProgram& program, Picoseconds resolution);

  void add(const Span& span) override;
  void add(const MemorySample& sample) override;
  /// The outline, ordered by stage, lane and start. Call it once, after the last span.
  [[nodiscard]] StepOutline finish() &&;

 private:
  struct OpenSpan {
    OutlineSpan outline;
    Picoseconds start = 0;
    Picoseconds end = 0;
  };
  void close(const OpenSpan& open);

  const StepProgram& program_;
  Picoseconds resolution_;
  std::map<std::pair<StageId, Lane>, OpenSpan> open_;
  std::map<StageId, Rank> shown_;  // the rank of each stage whose spans are kept
  StepOutline outline_;
};

/// Hands everything to two sinks.
class TwoTimelines : public TimelineSink {
 public:
  TwoTimelines(TimelineSink& first, TimelineSink& second) : first_(first), second_(second) {}
  void add(const Span& span) override {
    first_.add(span);
    second_.add(span);
  }
  void add(const MemorySample& sample) override {
    first_.add(sample);
    second_.add(sample);
  }

 private:
  TimelineSink& first_;
  TimelineSink& second_;
};

}  // namespace foreshard
