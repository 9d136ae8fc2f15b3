#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "planner/cost/collectives/collective_time.hpp"
#include "planner/cost/ops/host_model.hpp"
#include "planner/cost/ops/kernel_forms.hpp"
#include "planner/cost/ops/kernel_model.hpp"
#include "planner/cost/ops/offload_time.hpp"
#include "planner/program/ops/op.hpp"
#include "planner/program/ops/op_flops.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Bytes that one operation reads from and writes to device memory.
Bytes op_traffic(const Op& op, const StepProgram& program);

/// How a rank's communication and its host slow its kernels, beyond the times of single operations.
struct Interference {
  double communication_share = 0.0;  ///< share of their speed that kernels lose while communication runs
  Seconds read_back;                 ///< from the end of what the host waits for until the host goes on
  /// The share while an exchange of experts' tokens runs; unsaid, the same. Of several the largest counts.
  std::optional<double> exchange_share{};

  [[nodiscard]] double share_of_exchanges() const { return exchange_share.value_or(communication_share); }
  [[nodiscard]] bool slows_kernels() const { return communication_share > 0.0 || share_of_exchanges() > 0.0; }
};

/// The cost model of a job: gives the time of every operation on the job's cluster. It is built once per job
/// and used by everything that needs times. Constants come from the accelerator's and cluster's YAML.
class CostModel {
 public:
  /// Copies what it needs from the job's accelerator, cluster, precision and groups; keeps no reference.
  /// @throws std::invalid_argument if the accelerator has no GEMM rate or no memory bandwidth at all, or if
  /// the cluster has no link where a group of the job needs one.
  explicit CostModel(const JobSpec& job);

  /// The time of any operation that runs alone on its device and links. A Send and its matching Recv are one
  /// transfer: each has the time of that transfer.
  [[nodiscard]] OpTime time(const Op& op, const StepProgram& program) const;
  /// The time of a kernel: the maximum of its arithmetic and memory time at sustained rates, plus its fixed
  /// cost, at least the launch time. @pre `op` is not a communication.
  [[nodiscard]] OpTime kernel_time(const Op& op, const StepProgram& program) const;
  /// The time of a collective with the algorithm and protocol that the library would choose for it.
  [[nodiscard]] Seconds collective_time(CollectiveKind kind, Bytes payload, GroupKind group) const;
  /// The same for the collective of an operation, which may be split into equal calls and may send copies.
  [[nodiscard]] Seconds collective_time(const Collective& collective, std::int32_t calls = 1) const;
  /// The algorithm and protocol that the library would choose.
  [[nodiscard]] CollectiveChoice collective_choice(CollectiveKind kind, Bytes payload, GroupKind group) const;
  /// The time of a pipeline transfer between neighbouring stages.
  [[nodiscard]] Seconds transfer_time(Bytes payload) const;
  /// The part of a communication's time that more bandwidth does not shorten: all its steps' latencies.
  /// @pre `op` is a communication
  [[nodiscard]] Seconds communication_latency(const Op& op) const;
  [[nodiscard]] Interference interference() const { return interference_; }
  /// The rates of kernels, without the slowest device's share.
  [[nodiscard]] const KernelModel& kernels() const { return kernels_; }
  /// A kernel's time on the slowest of the job's devices, relative to the mean; time() includes it.
  [[nodiscard]] double slowest() const { return slowest_; }
  /// The host's part of the model.
  [[nodiscard]] const HostModel& host() const { return host_; }
  /// Relative residual of the fit of kernel times: the kernels' part of the error band.
  [[nodiscard]] double spread() const { return spread_; }
  /// Dense peak rate for the job's precision: the denominator of MFU.
  [[nodiscard]] FlopsPerSecond peak() const { return peak_; }

 private:
  /// The host's time for the lists of shards with which an operation's collectives are called; none without a list.
  [[nodiscard]] Seconds list_time(const Op& op) const;
  /// The time of a copy between host and device, or of the host's CPU.
  [[nodiscard]] OpTime offload_time(const Op& op, const StepProgram& program) const;

  KernelModel kernels_;
  FlopsPerSecond peak_;
  KernelForms forms_;
  double slowest_ = 1.0;
  Interference interference_;
  double exchange_stretch_ = 1.0;  ///< how much longer experts' exchanges take beside kernels
  HostModel host_;
  std::optional<OffloadTimes> offload_;
  double spread_ = 0.0;
  std::array<CollectiveTimes, kGroupKindCount> groups_;  ///< by GroupKind
};

}  // namespace foreshard
