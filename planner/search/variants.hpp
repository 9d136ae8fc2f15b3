#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// What a job can be varied in. The order is that of the cross product: the last varies fastest.
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

/// Lists of values to try, each in the order in which people gave them. Empty: as the job has it.
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

/// One value on one axis; a cluster by its name, a precision and a schedule by their words.
struct Choice {
  Axis axis = Axis::tp;
  std::variant<std::int64_t, Recompute, std::string> value;
  friend bool operator==(const Choice&, const Choice&) = default;
};

/// The job with one value on every axis that has values.
struct Variant {
  std::vector<Choice> choices;         ///< in the order of Axis
  JobSpec job;                         ///< to be planned only if legal
  std::optional<std::string> illegal;  ///< why it cannot run, the first reason in words
};

/// How many variants there are. @throws CountOverflow beyond 64 bits.
std::int64_t count_variants(const VariantAxes& axes);

/// All variants, legal or with the reason why not. The global batch stays unless it is varied. What is not
/// varied follows:
///   dp         what the other degrees leave of the devices; where varied, to leave devices idle is illegal
///   cluster    the fewest nodes over which the job's number of devices spread evenly; what they have beyond
///              stays idle and is paid for. With nodes varied too: at most the job's devices in each
///   schedule   unless varied: interleaved where vp > 1, else the job's own, 1f1b for interleaved
///   vp         1 where pp is 1, unless varied
///   stages     a list of layer counts holds for the pp and vp it was written for; others split evenly
///   sequence_parallel   off at tp 1; else as the job has it, on (the default) if the job has tp 1
/// @throws CountOverflow where degrees multiply beyond 64 bits.
std::vector<Variant> make_variants(const JobSpec& base, const VariantAxes& axes);

/// Makes what follows follow in a job of which some degrees are no longer those of `base`: schedule, vp,
/// stages, sequence_parallel and dp, as above; but for what `chosen` varies. @throws CountOverflow
void follow_degrees(JobSpec& job, const JobSpec& base, const VariantAxes& chosen);

}  // namespace foreshard
