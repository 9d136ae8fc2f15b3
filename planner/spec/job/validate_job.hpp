#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// One reason why a job cannot run as written.
struct Illegality {
  std::string path;     ///< the key to change: "parallelism.tp"
  std::string message;  ///< "6 does not divide the model's 64 heads"
  std::string allowed;  ///< "allowed here: 1, 2, 4, 8"; may be empty
};

/// What of a job a check reads, as bits, of all that a search for the best plan varies. Everything else that a job
/// says stays the same in such a search.
using JobParts = std::uint32_t;
namespace job_part {
inline constexpr JobParts tp = 1U << 0U;
inline constexpr JobParts pp = 1U << 1U;
inline constexpr JobParts vp = 1U << 2U;
inline constexpr JobParts cp = 1U << 3U;
inline constexpr JobParts ep = 1U << 4U;
inline constexpr JobParts etp = 1U << 5U;
inline constexpr JobParts dp = 1U << 6U;
inline constexpr JobParts sequence_parallel = 1U << 7U;
inline constexpr JobParts zero = 1U << 8U;
inline constexpr JobParts dp_shard = 1U << 9U;
inline constexpr JobParts stages = 1U << 10U;
inline constexpr JobParts micro_batch = 1U << 11U;
inline constexpr JobParts schedule = 1U << 12U;
inline constexpr JobParts recompute = 1U << 13U;
inline constexpr JobParts dispatcher = 1U << 14U;
inline constexpr JobParts overlap_tp = 1U << 15U;
inline constexpr JobParts overlap_pp = 1U << 16U;
inline constexpr JobParts overlap_dp = 1U << 17U;
inline constexpr JobParts precision = 1U << 18U;
inline constexpr JobParts offload = 1U << 19U;
}  // namespace job_part

/// One rule of find_illegalities.
struct LegalityCheck {
  const char* path;         ///< the key to complain about if the check's own arithmetic overflows
  std::string_view reason;  ///< what a job that it refuses does wrong, in words: "heads do not split over tp"
  JobParts reads = 0;       ///< the parts on which its answer depends
  void (*run)(const JobSpec& job, std::vector<Illegality>& findings) = nullptr;

  /// Adds what the check finds; an overflow of its own sums is a finding, too.
  void find(const JobSpec& job, std::vector<Illegality>& findings) const;
};

/// The checks in the order of find_illegalities. The last, of sizes that can be counted, may run only on jobs that
/// pass all others. @pre sizes and degrees are at least 1, and the model has no more layers than a plan can list
std::span<const LegalityCheck> legality_checks();

/// Returns all reasons why a job cannot run; empty if it is legal. Checks heads and kv heads under tp, layers
/// and stages, batch divisibility, schedules' own conditions, devices = tp·pp·cp·dp, etp·ep within tp·cp·dp.
std::vector<Illegality> find_illegalities(const JobSpec& job);

/// Megatron-LM cuts experts over tp where parallelism.etp is not said, and refuses an ep for which that leaves too few
/// devices. Other frameworks leave experts whole there.
constexpr bool cuts_experts_over_tp(Framework framework) {
  return framework == Framework::megatron || framework == Framework::megatron_deepspeed;
}

}  // namespace foreshard
