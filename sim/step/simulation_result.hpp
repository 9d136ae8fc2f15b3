#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/count.hpp"
#include "sim/engine/sim_time.hpp"

namespace foreshard {

/// What one rank did with its step. Every instant belongs to one cause: compute + optimizer +
/// exposed + host + bubble is the step's time exactly.
struct RankResult {
  StageId stage;
  SimTime end;                             ///< of its last operation
  std::array<SimTime, kLaneCount> busy{};  ///< by Lane; a transfer counts on its sender's side
  /// Sums to the busy time of the compute lane. Not told apart where only totals were asked for.
  std::array<SimTime, kComponentCount> compute_by_component{};
  SimTime compute;    ///< kernels but for the optimizer's
  SimTime optimizer;  ///< kernels of gradient zeroing, norm and update
  /// The compute lane is idle and waits, directly or through other waits, for a running communication of this
  /// axis.
  std::array<SimTime, kCommAxisCount> exposed{};  ///< by CommAxis
  /// The compute lane is idle, and all that the next kernel still lacks is that the host submits it.
  SimTime host;
  SimTime bubble;  ///< idle for any other reason: another rank is not there yet
  Bytes peak;      ///< the ledger's
};

/// One row of the critical path: operations alike in component, phase and kind.
struct PathEntry {
  Component component = Component::ffn;
  Phase phase = Phase::forward;
  std::string kind;  ///< as kind_name has it; "submit": the host submits the kernels of a visit
  std::int64_t operations = 0;
  SimTime time;
};

/// The chain of operations, each started by the end of the one before, that ends with the step. Shorten one
/// of them and the step is shorter, until another chain is the longest.
struct PathReport {
  std::vector<PathEntry> entries;  ///< most time first
  SimTime compute;                 ///< of the entries, what kernels took
  SimTime communication;           ///< … and communications
  SimTime host;                    ///< … and hosts that submitted kernels
  SimTime waiting;                 ///< the rest of the step: 0 but for rounding of slowed tasks
};

struct SimulationResult {
  SimTime step_time;
  std::vector<RankResult> ranks;  ///< one that stands for each stage, or every rank
  PathReport path;                ///< empty where it was not asked for
  std::uint64_t tasks = 0;        ///< that the engine ran
  /// Idle for want of other ranks, as a share of the step; mean over the ranks.
  [[nodiscard]] double bubble_fraction() const;
};

}  // namespace foreshard
