#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The axes on which a job can be varied. Their order is that of the cross product: the last axis varies
/// fastest.
enum class Axis : std::uint8_t {
  tp,
  pp,
  cp,
  ep,
  dp,
  vp,
  schedule,
  micro_batch,
  global_batch,
  recompute,
  precision,
  zero,
  sequence_length,
  cluster,
  nodes
};

/// Lists of values to try, each in the order given by the user. An empty list keeps the job's value.
struct VariantAxes {
  std::vector<std::int64_t> tp;
  std::vector<std::int64_t> pp;
  std::vector<std::int64_t> cp;
  std::vector<std::int64_t> ep;
  std::vector<std::int64_t> dp;
  std::vector<std::int64_t> vp;
  std::vector<ScheduleKind> schedule;
  std::vector<std::int64_t> micro_batch;
  std::vector<std::int64_t> global_batch;
  std::vector<Recompute> recompute;
  std::vector<Precision> precision;
  std::vector<std::int64_t> zero;
  std::vector<std::int64_t> sequence_length;
  std::vector<ClusterSpec> clusters;
  std::vector<std::int64_t> nodes;
};

/// One value on one axis. A cluster is given by its name, a precision or schedule by its word.
struct AxisChoice {
  Axis axis = Axis::tp;
  std::variant<std::int64_t, Recompute, std::string> value;
  friend bool operator==(const AxisChoice&, const AxisChoice&) = default;
};

/// The job with one value chosen on every axis that has values.
struct Variant {
  std::vector<AxisChoice> choices;     ///< in the order of Axis
  JobSpec job;                         ///< may be planned only if it is legal
  std::optional<std::string> illegal;  ///< the first reason why it cannot run; none if it is legal
};

/// How many variants there are. @throws CountOverflow beyond 64 bits.
std::int64_t count_variants(const VariantAxes& axes);

/// All variants; those that are not legal have the reason. The global batch stays the same unless it is
/// varied. Values that are not varied are adapted:
///   dp         the devices divided by the other degrees. If dp is varied, leaving devices idle is illegal
///   cluster    uses the fewest nodes over which the job's devices spread evenly; the other devices of these
///              nodes stay idle and are paid for. If nodes are varied too: at most the job's devices in each
///   schedule   interleaved if vp > 1, else the job's own, or 1f1b if that is interleaved
///   vp         1 if pp is 1
///   stages     a list of layer counts only applies to its own pp and vp; else the layers are split evenly
///   sequence_parallel   off if tp is 1; else as in the job, or on (the default) if the job has tp 1
/// @throws CountOverflow if the product of degrees exceeds 64 bits.
std::vector<Variant> make_variants(const JobSpec& base, const VariantAxes& axes);

/// Adapts a job to degrees that differ from those of `base`: sets schedule, vp, stages, sequence_parallel and
/// dp by the rules above, except for values that `chosen` varies. @throws CountOverflow
void follow_degrees(JobSpec& job, const JobSpec& base, const VariantAxes& chosen);

}  // namespace foreshard
