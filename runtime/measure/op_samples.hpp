#pragma once

#include <cstddef>
#include <vector>

#include "planner/program/schedule/timeline.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// All measured times of each operation of a program, collected from the timelines of steps.
class OpSamples final : public TimelineSink {
 public:
  explicit OpSamples(const StepProgram& program);

  void add(const Span& span) override;
  void add(const MemorySample&) override {}

  /// Empty if the operation was not run.
  [[nodiscard]] const std::vector<Seconds>& of(std::size_t block, std::size_t op) const {
    return samples_[block][op];
  }

 private:
  std::vector<std::vector<std::vector<Seconds>>> samples_;  // [block][op]
};

}  // namespace foreshard
