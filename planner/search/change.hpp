#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/search/variants.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// A small change of a job that may save memory: the values to set; what is unsaid stays.
struct Change {
  std::optional<std::int64_t> zero{};
  std::optional<DType> gradient_dtype{};
  std::optional<Recompute> recompute{};
  std::optional<bool> sequence_parallel{};
  std::optional<std::int64_t> cp{};
  std::optional<std::int64_t> micro_batch{};
  std::optional<std::int64_t> tp{};
  std::optional<std::int64_t> pp{};
  std::optional<std::int64_t> ep{};
  std::optional<std::int64_t> nodes{};
};

/// Single changes on the same devices, in the order in which an expert tries them: sharding the optimizer
/// (ZeRO 1, 2, 3), gradients in bf16, recomputation, sequence parallelism, context parallelism, smaller
/// micro-batches, more tp within the node, more pp, more ep. Degrees double up to three times. Axes of
/// `fixed` stay as they are. Whether a change is legal is not asked.
std::vector<Change> single_changes(const JobSpec& job, std::span<const Axis> fixed);

/// Both changes; none where both set the same value.
std::optional<Change> both(const Change& a, const Change& b);

/// Whether `whole` sets all that `part` sets, and more.
bool is_part_of(const Change& part, const Change& whole);

/// The job after the change at the same global batch, with the other degrees following (follow_degrees). vp
/// shrinks where the layers do not fill as many chunks, ep to what dp · cp can hold. None where the result is
/// not legal or would change an axis of `fixed`.
std::optional<JobSpec> changed_job(const JobSpec& job, const Change& change, std::span<const Axis> fixed);

}  // namespace foreshard
