#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// Operations that a report shows as one row: alike in component, kind and phase.
struct OpGroup {
  Component component = Component::ffn;
  std::string kind;  ///< as kind_name has it, or "tied all-reduce"
  Phase phase = Phase::forward;
  bool is_communication = false;
  bool spans_stages = false;  ///< a collective in which several stages meet
  std::int64_t calls = 0;     ///< in one step, on one rank of every stage
};

/// The groups of a program's operations, in the order of its blocks, and which operation
/// belongs to which.
struct OpGroups {
  std::vector<OpGroup> groups;
  std::vector<std::vector<std::size_t>> group_of;  ///< [block][op]
};
OpGroups op_groups(const StepProgram& program);

}  // namespace foreshard
