#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/cost/collectives/collective_time.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/device_mesh.hpp"
#include "sim/network/fabric.hpp"
#include "sim/network/flow_network.hpp"
#include "sim/network/flow_pattern.hpp"
#include "sim/network/fold_flows.hpp"
#include "sim/step/program_plan.hpp"

namespace foreshard {

/// What the communications of one job move over a fabric: for each operation the algorithm, protocol and
/// channels that the cost model chooses, laid over the devices of each of its groups, at most at the rate
/// that they reach alone on links that nobody shares, after the latency of their steps.
///
/// Oversubscription is not in that rate: here the links show it.
class JobFlows {
 public:
  /// @param devices  of the fabric, by rank; keeps no reference to any but the plan
  JobFlows(const JobSpec& job, const StepProgram& program, const ProgramPlan& plan,
           std::span<const Rank> devices, const Fabric& fabric);

  /// Every group, one entry for each way in which it communicates. Kinds count from 0 to kinds() − 1.
  [[nodiscard]] std::span<const GroupFlows> groups() const { return groups_; }
  [[nodiscard]] std::uint32_t kinds() const { return static_cast<std::uint32_t>(forms_.size() * stages_); }
  /// From here on one place stands for a stage, and moves what the folded groups of a kind do.
  void fold(std::vector<FlowPattern> by_kind);

  /// False for what is no communication, and for a group of one.
  [[nodiscard]] bool moves_bytes(std::uint32_t op) const { return ops_[op].form != kNone; }
  /// What this place moves when one of the operation's pieces runs; none where another member of the group
  /// moves it. @pre moves_bytes(op)
  [[nodiscard]] std::optional<FlowSet> flows(std::size_t place, std::uint32_t op) const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  /// Groups of one kind that communicate alike.
  struct CommunicationForm {
    std::optional<GroupKind> group;  ///< none: a transfer
    Peer peer = Peer::next_stage;    ///< of a transfer
    CollectiveKind kind = CollectiveKind::all_reduce;
    CollectiveChoice choice;
    friend bool operator==(const CommunicationForm&, const CommunicationForm&) = default;
  };
  struct OpFlow {
    std::uint32_t form = kNone;
    double bytes = 0.0;   ///< of one piece's payload
    BytesPerSecond rate;  ///< of the payload
    SimTime latency;
  };

  void read_operations(const JobSpec& job, const StepProgram& program, const ProgramPlan& plan);
  [[nodiscard]] std::uint32_t number_of(const CommunicationForm& form);
  void lay_groups(const StepProgram& program, const ProgramPlan& plan, std::span<const Rank> devices,
                  const Fabric& fabric);
  [[nodiscard]] std::vector<Rank> members_of(const CommunicationForm& form, Rank rank,
                                             const std::vector<bool>& calls) const;

  DeviceMesh mesh_;
  std::size_t stages_;
  std::vector<CommunicationForm> forms_;
  std::vector<OpFlow> ops_;  // by operation of the plan
  std::vector<GroupFlows> groups_;
  std::vector<FlowPattern> folded_;      // by kind; empty: not folded
  std::vector<std::uint32_t> group_of_;  // by place and way: into groups_ or folded_
};

}  // namespace foreshard
