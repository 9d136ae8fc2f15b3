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

/// The flows of one job's communication on a fabric. For each operation the cost model chooses algorithm,
/// protocol and channels; this class maps that choice to the devices of each group. The cap of a flow is the
/// rate that the choice reaches alone, on links that nobody shares; the flow begins after the latency of the
/// algorithm's steps.
///
/// The cap does not include oversubscription, because the shared links of the fabric model it.
class JobFlows {
 public:
  /// @param devices  devices of the fabric, by rank. Of the arguments, only the plan is kept as a reference.
  JobFlows(const JobSpec& job, const StepProgram& program, const ProgramPlan& plan,
           std::span<const Rank> devices, const Fabric& fabric);

  /// All groups, one entry for each form in which a group communicates. Kinds count from 0 to kinds() − 1.
  [[nodiscard]] std::span<const GroupFlows> groups() const { return groups_; }
  [[nodiscard]] std::uint32_t kinds() const { return static_cast<std::uint32_t>(forms_.size() * stages_); }
  /// Switches to folded ranks: from now on one place stands for a stage, and its flows are those of the
  /// folded groups.
  void fold(std::vector<FlowPattern> by_kind);

  /// False if the operation is not a communication, or its group has one member.
  [[nodiscard]] bool moves_bytes(std::uint32_t op) const { return ops_[op].form != kNone; }
  /// The flows that this place starts when one piece of the operation runs; none where another member of the
  /// group starts them. @pre moves_bytes(op)
  [[nodiscard]] std::optional<FlowSet> flows(std::size_t place, std::uint32_t op) const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  /// A form of communication: the kind of group, the collective or transfer, and the algorithm chosen for it.
  struct CommunicationForm {
    std::optional<GroupKind> group;  ///< none: a transfer
    Peer peer = Peer::next_stage;    ///< for a transfer
    CollectiveKind kind = CollectiveKind::all_reduce;
    CollectiveChoice choice;
    friend bool operator==(const CommunicationForm&, const CommunicationForm&) = default;
  };
  struct OpFlow {
    std::uint32_t form = kNone;
    double bytes = 0.0;   ///< payload of one piece
    BytesPerSecond rate;  ///< payload per second, without contention
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
  std::vector<std::uint32_t> group_of_;  // by place and form: index into groups_ or folded_
};

}  // namespace foreshard
