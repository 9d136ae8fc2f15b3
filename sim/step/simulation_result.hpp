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

/// How one rank spent its step. Every instant is booked once: compute + optimizer + exposed + host + bubble
/// is exactly the step's time.
struct RankResult {
  StageId stage;
  SimTime end;                             ///< end of its last operation
  std::array<SimTime, kLaneCount> busy{};  ///< by Lane; a transfer counts on its sender's side
  /// Busy time of the compute lane by component. With totals_only the components are not separated.
  std::array<SimTime, kComponentCount> compute_by_component{};
  SimTime compute;    ///< time of all kernels except the optimizer's
  SimTime optimizer;  ///< time of the kernels for gradient zeroing, norm and update
  /// Exposed communication: the compute lane is idle and waits, directly or indirectly, for a running
  /// communication of this axis.
  std::array<SimTime, kCommAxisCount> exposed{};  ///< by CommAxis
  /// The compute lane is idle because the host has not submitted the next kernel yet.
  SimTime host;
  SimTime bubble;  ///< idle for any other reason: another rank is not ready yet
  Bytes peak;      ///< peak memory by the memory ledger
};

/// One row of the critical path: all its operations of one component, phase and kind.
struct PathEntry {
  Component component = Component::ffn;
  Phase phase = Phase::forward;
  std::string kind;  ///< as kind_name gives it; "submit": the host submits the kernels of a block call
  std::int64_t operations = 0;
  SimTime time;
};

/// The critical path: the chain of operations, each started by the end of the one before, that ends with the
/// step. If one of them becomes shorter, the step becomes shorter, until another chain is the longest.
struct PathReport {
  std::vector<PathEntry> entries;  ///< most time first
  SimTime compute;                 ///< sum over the entries that are kernels
  SimTime communication;           ///< sum over the entries that are communications
  SimTime host;                    ///< sum over the entries in which a host submits kernels
  SimTime waiting;                 ///< the rest of the step: 0 except for rounding of slowed tasks
};

struct SimulationResult {
  /// From the start of the step to its last end. Where steps overlap (StepProgram::steps_overlap), from one step to the
  /// next; the timeline and the critical path are those of the first step, from its start.
  SimTime step_time;
  std::vector<RankResult> ranks;  ///< one rank that stands for each stage, or every rank
  PathReport path;                ///< empty if it was not requested
  std::uint64_t tasks = 0;        ///< number of tasks that the engine ran
  /// Bubble time as a share of the step; mean over the ranks.
  [[nodiscard]] double bubble_fraction() const;
};

}  // namespace foreshard
