#pragma once

#include <cstdint>
#include <string>

#include "cli/progress.hpp"
#include "planner/program/step_program.hpp"
#include "planner/program/timeline.hpp"

namespace foreshard::cli {

/// Hands a timeline on, and says how many of a program's operations it has seen.
class CountedTimeline : public TimelineSink {
 public:
  /// @param ranks  of every stage that are played
  CountedTimeline(TimelineSink& next, const StepProgram& program, std::int64_t ranks, Progress& progress);
  void add(const Span& span) override;
  void add(const MemorySample& sample) override;

 private:
  TimelineSink& next_;
  Progress& progress_;
  std::string what_;
  std::int64_t all_;
  std::int64_t seen_ = 0;
};

}  // namespace foreshard::cli
