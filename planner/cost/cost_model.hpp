#pragma once

#include <cstdint>

#include "planner/program/group.hpp"
#include "planner/program/op.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/job_spec.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// FLOPs of one operation on one rank.
struct OpFlops {
  Flops model;  ///< counted in model FLOPs: attention's full square, backward twice forward, no recomputation
  Flops
      hardware;  ///< with recomputation and flash attention's backward recomputation; attention's full square
  Flops executed;  ///< what the device really multiplies: a causal mask halves the attention core
};
OpFlops op_flops(const Op& op);

/// Bytes that one operation reads and writes in device memory.
Bytes op_traffic(const Op& op, const StepProgram& program);

/// Bytes that one member sends in a ring (all-reduce 2(n−1)/n·S, all-gather, reduce-scatter and all-to-all
/// (n−1)/n·S) or in one transfer (S); rounded up to a whole byte.
Bytes ring_bytes_sent(CollectiveKind kind, Bytes payload, std::int64_t members);

/// What limits an operation.
enum class Limit : std::uint8_t { compute, memory, launch, network };

struct OpTime {
  Seconds time;
  Limit limit = Limit::compute;
};

/// The time of one operation on one cluster: one value, built once per job, that everything asks. Constants
/// come from the accelerator's and cluster's YAML.
class CostModel {
 public:
  /// Takes what it needs of the job's accelerator, cluster, precision and groups; keeps no reference.
  explicit CostModel(const JobSpec& job);

  /// Any operation alone on its device and links.
  [[nodiscard]] OpTime time(const Op& op, const StepProgram& program) const;
  /// A kernel: max of arithmetic and memory time at sustained rates, plus fixed cost, not below the launch
  /// floor.
  [[nodiscard]] OpTime kernel_time(const Op& op, const StepProgram& program) const;
  /// A ring collective by α–β on the slowest tier that the group spans.
  [[nodiscard]] Seconds collective_time(CollectiveKind kind, Bytes payload, GroupKind group) const;
  /// A pipeline transfer between neighbouring stages.
  [[nodiscard]] Seconds transfer_time(Bytes payload) const;
  /// Relative half-width of the error band of kernel times.
  [[nodiscard]] double spread() const { return accelerator_.kernels.spread; }
  /// Dense peak of the job's precision: the denominator of MFU.
  [[nodiscard]] FlopsPerSecond peak() const { return peak_; }

 private:
  struct Link {
    BytesPerSecond bandwidth;  ///< of one member, one direction, as a large collective reaches it
    Seconds latency;           ///< per ring step
    std::int64_t members = 1;
  };
  [[nodiscard]] Seconds ring_time(double rounds, double share, Bytes payload, const Link& link) const;

  AcceleratorSpec accelerator_;
  FlopsPerSecond peak_;
  std::array<Link, kGroupKindCount> links_;  ///< by GroupKind
  Link pipeline_;
};

}  // namespace foreshard
