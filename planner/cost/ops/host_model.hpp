#pragma once

#include <cstdint>
#include <vector>

#include "planner/frameworks/host_conventions.hpp"
#include "planner/program/ops/op.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The time that a rank's host needs to issue operations. The host issues them in program order and runs ahead
/// of the device until something makes it wait (Op::host_awaits). An operation that is launched by itself costs
///   the framework's time for an operation + kernels · launch        (docs/cost_model.md, "The host")
/// Code that a compiler made costs its launches; operations in a CUDA graph cost nothing, and the graph one
/// operation and one launch. An accelerator without `submit` in its file has no host time: its host is the
/// device.
class HostModel {
 public:
  explicit HostModel(const JobSpec& job);

  /// Host time to issue `op`, which runs as `kernels` kernels (0: a communication), of which the framework's first call
  /// launches `by_first_call` and each further call one.
  [[nodiscard]] Seconds time(const Op& op, std::int64_t kernels, std::int64_t by_first_call = 1) const;
  /// Host time of a gather or scatter that is called with a list of shards, one for each of `members` ranks. What a gather
  /// of several `tensors` brings is copied tensor by tensor.
  [[nodiscard]] Seconds shard_list(CollectiveKind kind, std::int64_t members, std::int64_t tensors = 1) const;
  /// Host time to launch one CUDA graph.
  [[nodiscard]] Seconds graph_launch() const { return conventions_.operation + submit_; }
  /// True if the operation is part of a CUDA graph.
  [[nodiscard]] bool is_captured(const Op& op) const;
  /// Time from the end of what the host waits for until the host goes on.
  [[nodiscard]] Seconds read_back() const;
  /// Time added to the fixed cost of the operation's kernels: by a host that waits for each before it launches
  /// the next; less than 0 in a CUDA graph, in which kernels follow each other faster.
  [[nodiscard]] Seconds change_of_launch(const Op& op) const;

 private:
  Seconds submit_;
  double pace_ = 1.0;            ///< time of this host over that of the usual one
  Seconds saved_by_graph_;       ///< per kernel
  HostConventions conventions_;  ///< as the job uses them: without framework time if it is compiled
  Graphs graphs_ = Graphs::none;
  bool is_blocking_ = false;
};

}  // namespace foreshard
