#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Searches end here, whatever would still fit.
inline constexpr std::int64_t kMostMicroBatch = 65'536;               ///< sequences
inline constexpr std::int64_t kMostSequence = std::int64_t{1} << 24;  ///< tokens

/// The largest micro-batch with which the job fits, everything else as it is: dp and the number of
/// micro-batches in a step stay, so the pipeline holds as many and the global batch grows with the
/// micro-batch. Only memory is asked. kMostMicroBatch at most; none if not even 1 fits.
/// @pre `job` is legal.
std::optional<std::int64_t> largest_micro_batch(const JobSpec& job);

/// The longest sequence with which the job fits, everything else as it is: the largest multiple of 1,024 and
/// of tp · cp, in tokens; where not even the first fits, or the model has no more positions, of tp · cp
/// alone. kMostSequence at most; none if nothing fits. @pre `job` is legal.
std::optional<std::int64_t> longest_sequence(const JobSpec& job);

namespace detail {

/// Bytes to spare at this size; negative: too many are needed; none: there is no such job.
using Headroom = std::function<std::optional<double>(std::int64_t)>;

/// The largest size from 1 to `most` at which there is no want, 0 if there is none.
/// @pre headroom falls with size.
std::int64_t largest_fitting(const Headroom& headroom, std::int64_t most);

}  // namespace detail
}  // namespace foreshard
