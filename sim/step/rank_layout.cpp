#include "sim/step/rank_layout.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

namespace foreshard {

namespace {

/// For each BlockId, whether a stage runs it in its step.
std::vector<bool> blocks_of(const StepProgram& program, StageId stage) {
  std::vector<bool> runs;
  for (const std::int64_t block_calls : count_block_calls(program, stage)) runs.push_back(block_calls > 0);
  return runs;
}

bool calls_on(const ProgramPlan& plan, const std::vector<bool>& blocks, RankLane lane) {
  return std::any_of(plan.ops.begin(), plan.ops.end(),
                     [&](const OpPlan& op) { return op.lane == lane && blocks[op.block.at()]; });
}

/// For each lane, the kind of group whose collectives run there, if these need other ranks.
std::array<std::optional<GroupKind>, kRankLanes> kinds_by_lane(const StepProgram& program) {
  std::array<std::optional<GroupKind>, kRankLanes> kinds;
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      const auto* collective = std::get_if<Collective>(&op.kind);
      if (collective == nullptr || program.group(collective->group).size <= 1) continue;
      auto& kind = kinds[queue_of(op)];
      const auto same = [&](GroupKind a, GroupKind b) {
        return program.group(a).size == program.group(b).size &&
               program.group(a).stride == program.group(b).stride;
      };
      if (kind && !same(*kind, collective->group)) {
        throw std::invalid_argument(
            fmt::format("groups {} and {} share a lane: its ranks cannot be played one by one",
                        to_string(*kind), to_string(collective->group)));
      }
      kind = collective->group;
    }
  }
  return kinds;
}

}  // namespace

RankLayout one_rank_per_stage(const StepProgram& program, const ProgramPlan& plan) {
  RankLayout layout{.places = {}, .meetings = {}, .is_folded = true};
  const std::size_t stages = program.stages.size();
  const auto world = static_cast<std::size_t>(GroupKind::world);
  const auto devices =
      program.groups.size() > world ? static_cast<std::size_t>(program.groups[world].size) : stages;
  for (std::size_t stage = 0; stage < stages; ++stage) {
    layout.places.push_back({.stage = StageId(stage),
                             .previous = static_cast<std::uint32_t>((stage + stages - 1) % stages),
                             .next = static_cast<std::uint32_t>((stage + 1) % stages),
                             .rank = Rank(stage * (devices / stages))});
  }
  for (const Lane lane : {Lane::world, Lane::tied}) {
    const auto at = static_cast<RankLane>(lane);
    std::vector<LaneId> members;
    for (std::size_t stage = 0; stage < stages; ++stage) {
      if (calls_on(plan, blocks_of(program, StageId(stage)), at)) members.push_back(engine_lane(stage, at));
    }
    if (members.size() > 1) layout.meetings.push_back(std::move(members));
  }
  return layout;
}

RankLayout every_rank(const StepProgram& program, const ProgramPlan& plan) {
  const DeviceMesh mesh = mesh_of(program);
  if (program.group(GroupKind::pp).size != static_cast<std::int64_t>(program.stages.size()) ||
      program.group(GroupKind::world).size != mesh.devices()) {
    throw std::invalid_argument(fmt::format("the groups of \"{}\" are not those of a mesh with {} stages",
                                            program.name, program.stages.size()));
  }
  RankLayout layout;
  const auto ranks = static_cast<std::size_t>(mesh.devices());
  const std::size_t per_stage = ranks / program.stages.size();
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    layout.places.push_back({.stage = mesh.stage(Rank(rank)),
                             .previous = static_cast<std::uint32_t>((rank + ranks - per_stage) % ranks),
                             .next = static_cast<std::uint32_t>((rank + per_stage) % ranks),
                             .rank = Rank(rank)});
  }
  const auto kinds = kinds_by_lane(program);
  for (RankLane lane = 0; lane < kRankLanes; ++lane) {
    if (!kinds[lane] || is_send_lane(lane) || is_receive_lane(lane)) continue;
    std::vector<bool> calls;
    for (std::size_t stage = 0; stage < program.stages.size(); ++stage)
      calls.push_back(calls_on(plan, blocks_of(program, StageId(stage)), lane));
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      const std::vector<Rank> members = mesh.members(*kinds[lane], Rank(rank));
      if (members.empty() || members.front() != Rank(rank)) continue;
      std::vector<LaneId> lanes;
      for (const Rank member : members) {
        if (calls[mesh.stage(member).at()]) lanes.push_back(engine_lane(member.at(), lane));
      }
      if (lanes.size() > 1) layout.meetings.push_back(std::move(lanes));
    }
  }
  return layout;
}

}  // namespace foreshard
