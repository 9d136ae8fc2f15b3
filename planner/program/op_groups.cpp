#include "planner/program/op_groups.hpp"

#include <algorithm>
#include <string>
#include <variant>

namespace foreshard {

namespace {

/// True for groups whose members are on different stages.
bool spans_stages(const Op& op) {
  const auto* collective = std::get_if<Collective>(&op.kind);
  if (collective == nullptr) return false;
  const GroupKind group = collective->group;
  return group == GroupKind::world || group == GroupKind::pp || group == GroupKind::tied;
}

/// As kind_name has it, but that what first and last stage do together is a row of its own.
std::string kind_of(const Op& op) {
  const auto* collective = std::get_if<Collective>(&op.kind);
  const bool is_tied = collective != nullptr && collective->group == GroupKind::tied;
  return std::string(is_tied ? "tied " : "") + std::string(kind_name(op.kind));
}

std::size_t find_or_add(std::vector<OpGroup>& groups, const Op& op) {
  const std::string kind = kind_of(op);
  const auto same = [&](const OpGroup& group) {
    return group.component == op.component && group.kind == kind && group.phase == op.phase;
  };
  const auto found = std::find_if(groups.begin(), groups.end(), same);
  if (found != groups.end()) return static_cast<std::size_t>(found - groups.begin());
  groups.push_back({.component = op.component,
                    .kind = kind,
                    .phase = op.phase,
                    .is_communication = is_communication(op),
                    .spans_stages = spans_stages(op)});
  return groups.size() - 1;
}

}  // namespace

OpGroups op_groups(const StepProgram& program) {
  OpGroups result;
  result.group_of.resize(program.blocks.size());
  std::vector<std::int64_t> block_calls(program.blocks.size(), 0);
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    const std::vector<std::int64_t> counts = count_block_calls(program, StageId(stage));
    for (std::size_t block = 0; block < counts.size(); ++block) block_calls[block] += counts[block];
  }
  for (std::size_t block = 0; block < program.blocks.size(); ++block) {
    for (const Op& op : program.blocks[block].ops) {
      const std::size_t group = find_or_add(result.groups, op);
      result.groups[group].calls += block_calls[block];
      result.group_of[block].push_back(group);
    }
  }
  return result;
}

}  // namespace foreshard
