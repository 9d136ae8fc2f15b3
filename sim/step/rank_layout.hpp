#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/units/strong_index.hpp"
#include "sim/step/program_plan.hpp"
#include "sim/step/rank_lanes.hpp"

namespace foreshard {

/// The ranks that a simulation plays, and whom each of them meets.
struct RankLayout {
  struct Place {
    StageId stage;
    std::uint32_t previous = 0;  ///< the rank that sends it activations; interleaved schedules go round
    std::uint32_t next = 0;
    Rank rank;  ///< which one of the mesh it is; folded, the first of those for which it stands
  };
  std::vector<Place> places;
  /// Lanes that move in step: their k-th tasks are the same collective.
  std::vector<std::vector<LaneId>> meetings;
  bool is_folded = false;  ///< each place stands for all ranks of its stage

  /// The rank on the other side of a send or receive lane.
  [[nodiscard]] std::size_t peer(std::size_t rank, RankLane lane) const {
    const bool is_next = lane == kSendForward || lane == kReceiveBackward;
    return is_next ? places[rank].next : places[rank].previous;
  }
};

/// One rank of each stage: the members of the groups within a stage do the same at the same time, so that
/// only what several stages call together is a meeting.
RankLayout one_rank_per_stage(const StepProgram& program, const ProgramPlan& plan);

/// Every rank of the mesh, and every group.
/// @throws std::invalid_argument where the program's groups are not those of a mesh with its stages, or two
/// kinds of groups share a lane, which could not move in step with both.
RankLayout every_rank(const StepProgram& program, const ProgramPlan& plan);

}  // namespace foreshard
