#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// Operations that a report shows in one row: they have the same component, kind and phase.
struct OpGroup {
  Component component = Component::ffn;
  std::string kind;  ///< kind_name of the operations, or "tied all-reduce"
  Phase phase = Phase::forward;
  bool is_communication = false;
  bool spans_stages = false;  ///< a collective between several stages
  std::int64_t calls = 0;     ///< in one step, on one rank of every stage
};

/// The groups of a program's operations, in the order of its blocks, and the group of each operation.
struct OpGroups {
  std::vector<OpGroup> groups;
  std::vector<std::vector<std::size_t>> group_of;  ///< [block][op]
};
OpGroups op_groups(const StepProgram& program);

}  // namespace foreshard
