#include <algorithm>
#include <map>
#include <tuple>
#include <variant>

#include <fmt/core.h>

#include "planner/export/exporters.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard::detail {

namespace {

const char* program_of(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::all_reduce: return "all_reduce_perf";
    case CollectiveKind::all_gather: return "all_gather_perf";
    case CollectiveKind::reduce_scatter: return "reduce_scatter_perf";
    case CollectiveKind::all_to_all: return "alltoall_perf";
  }
  return "all_reduce_perf";
}

/// A collective of the plan, by its group, kind and size: how often one rank runs it in a step.
using Key = std::tuple<GroupKind, CollectiveKind, std::int64_t>;
using Calls = std::map<Key, std::int64_t>;

Calls collectives_of(const StepProgram& program) {
  Calls most;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    const std::vector<std::int64_t> counts = count_block_calls(program, StageId(stage));
    Calls calls;
    for (std::size_t block = 0; block < program.blocks.size(); ++block) {
      for (const Op& op : program.blocks[block].ops) {
        const auto* const collective = std::get_if<Collective>(&op.kind);
        if (collective == nullptr || counts[block] == 0) continue;
        const auto bytes = static_cast<std::int64_t>(collective->payload.value());
        calls[{collective->group, collective->kind, bytes}] += counts[block];
      }
    }
    for (const auto& [key, count] : calls) most[key] = std::max(most[key], count);
  }
  return most;
}

/// The command that runs this collective in all groups side by side that are as far apart as the plan's.
std::string command_of(const ClusterSpec& cluster, const Group& group, CollectiveKind kind,
                       std::int64_t bytes) {
  const std::int64_t ranks = group.size * group.stride;
  const std::int64_t per_node = std::min(ranks, cluster.devices_per_node);
  std::string command = fmt::format("mpirun -n {} --map-by ppr:{}:node", ranks, per_node);
  if (group.stride > 1) command += fmt::format(" -x NCCL_TESTS_SPLIT=\"MOD {}\"", group.stride);
  return command + fmt::format(" {} -b {} -e {} -g 1", program_of(kind), bytes, bytes);
}

}  // namespace

std::string nccl_tests_commands(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  const Calls calls = collectives_of(program);
  std::string text =
      "#!/usr/bin/env bash\n"
      "# The collectives of one step at their sizes, which are those of the whole buffer as nccl-tests "
      "counts them.\n"
      "# Groups whose members are N ranks apart run side by side, as in the step (NCCL_TESTS_SPLIT).\n";
  for (const auto& [key, count] : calls) {
    const auto& [kind_of_group, kind, bytes] = key;
    const Group& group = program.groups[static_cast<std::size_t>(kind_of_group)];
    if (group.size == 1) continue;
    text += fmt::format("# {}: {} ranks, {} apart; {} a step\n{}\n", to_string(kind_of_group), group.size,
                        group.stride, count, command_of(job.cluster, group, kind, bytes));
  }
  return text;
}

}  // namespace foreshard::detail
