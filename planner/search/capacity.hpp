#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Upper bounds of the searches; larger values are not tried.
inline constexpr std::int64_t kMostMicroBatch = 65'536;               ///< sequences
inline constexpr std::int64_t kMostSequence = std::int64_t{1} << 24;  ///< tokens

/// The largest micro-batch with which the job fits into memory. dp and the number of micro-batches in a step
/// stay the same, so the pipeline keeps as many micro-batches in flight, and the global batch grows with the
/// micro-batch. At most kMostMicroBatch; none if not even 1 fits.
/// @pre `job` is legal.
std::optional<std::int64_t> largest_micro_batch(const JobSpec& job);

/// The longest sequence in tokens with which the job fits into memory, all else unchanged: the largest
/// multiple of 1,024 and of tp · cp. If not even the smallest such multiple fits, or the model has fewer
/// positions, the largest multiple of tp · cp. At most kMostSequence; none if nothing fits. @pre `job` is
/// legal.
std::optional<std::int64_t> longest_sequence(const JobSpec& job);

namespace detail {

/// Bytes of free memory at this size; negative if the job needs too much; none if a job of this size is not
/// legal.
using Headroom = std::function<std::optional<double>(std::int64_t)>;

/// The largest size from 1 to `most` whose headroom is not negative; 0 if there is none.
/// @pre headroom falls with size.
std::int64_t largest_fitting(const Headroom& headroom, std::int64_t most);

}  // namespace detail
}  // namespace foreshard
