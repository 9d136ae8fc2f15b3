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

/// The ranks that a simulation plays, with their neighbours in the pipeline and the groups that they join.
struct RankLayout {
  struct Place {
    StageId stage;
    std::uint32_t previous = 0;  ///< place of the stage before; cyclic, as interleaved schedules need
    std::uint32_t next = 0;      ///< place of the stage behind
    Rank rank;                   ///< its rank in the mesh; if folded, the first of those it stands for
  };
  std::vector<Place> places;
  /// Sets of lanes that are joined: their k-th tasks are the same collective.
  std::vector<std::vector<LaneId>> meetings;
  bool is_folded = false;  ///< each place stands for all ranks of its stage

  /// The rank on the other side of a send or receive lane.
  [[nodiscard]] std::size_t peer(std::size_t rank, RankLane lane) const {
    return meets_next(lane) ? places[rank].next : places[rank].previous;
  }
};

/// Layout with one rank of each stage. The members of a group within a stage do the same at the same time, so
/// only collectives of several stages are meetings.
RankLayout one_rank_per_stage(const StepProgram& program, const ProgramPlan& plan);

/// Layout with every rank of the mesh and every group.
/// @throws std::invalid_argument if the program's groups are not those of a mesh with its stages, or if two
/// kinds of groups share a lane, which cannot be joined with both.
RankLayout every_rank(const StepProgram& program, const ProgramPlan& plan);

}  // namespace foreshard
