#pragma once

#include <array>
#include <cstdint>

#include "planner/cost/collectives/collective_time.hpp"
#include "planner/cost/ops/kernel_forms.hpp"
#include "planner/cost/ops/kernel_model.hpp"
#include "planner/program/ops/op.hpp"
#include "planner/program/ops/op_flops.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Bytes that one operation reads and writes in device memory.
Bytes op_traffic(const Op& op, const StepProgram& program);

/// How a rank's own work gets in its way.
struct Interference {
  double communication_share = 0.0;  ///< while communication runs, kernels run at 1 − this
  Seconds submit;                    ///< a kernel takes the host this long; small kernels wait for it
};

/// The time of one operation on one cluster: one value, built once per job, that everything asks. Constants
/// come from the accelerator's and cluster's YAML.
class CostModel {
 public:
  /// Takes what it needs of the job's accelerator, cluster, precision and groups; keeps no reference.
  /// @throws std::invalid_argument where the accelerator has no GEMM rate or memory bandwidth at all, or the
  /// cluster no link where a group of the job spans one.
  explicit CostModel(const JobSpec& job);

  /// Any operation alone on its device and links. A Send and the Recv that it meets are one transfer: each
  /// takes its time.
  [[nodiscard]] OpTime time(const Op& op, const StepProgram& program) const;
  /// A kernel: max of arithmetic and memory time at sustained rates, plus fixed cost, not below the launch
  /// floor. @pre `op` is no communication.
  [[nodiscard]] OpTime kernel_time(const Op& op, const StepProgram& program) const;
  /// A collective by the algorithm and protocol that the library would choose for it.
  [[nodiscard]] Seconds collective_time(CollectiveKind kind, Bytes payload, GroupKind group) const;
  /// That choice.
  [[nodiscard]] CollectiveChoice collective_choice(CollectiveKind kind, Bytes payload, GroupKind group) const;
  /// A pipeline transfer between neighbouring stages.
  [[nodiscard]] Seconds transfer_time(Bytes payload) const;
  /// What a running communication takes from the kernels beside it, and what the host needs to submit a
  /// kernel.
  [[nodiscard]] Interference interference() const { return interference_; }
  /// Relative residual of kernel times: the kernels' part of the error band.
  [[nodiscard]] double spread() const { return spread_; }
  /// Dense peak of the job's precision: the denominator of MFU.
  [[nodiscard]] FlopsPerSecond peak() const { return peak_; }

 private:
  KernelModel kernels_;
  FlopsPerSecond peak_;
  KernelForms forms_;
  double slowest_ = 1.0;  ///< a kernel's time on the slowest of the job's devices, relative to the mean
  Interference interference_;
  Seconds waiting_;  ///< per kernel, where the host waits for each before it submits the next
  double spread_ = 0.0;
  std::array<CollectiveTimes, kGroupKindCount> groups_;  ///< by GroupKind
};

}  // namespace foreshard
