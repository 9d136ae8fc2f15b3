#pragma once

#include <cstdint>
#include <string_view>

#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What a job's memory says about running it. `needed` is reserved + context, which has a best value and a
/// band (MemoryBand).
enum class MemoryVerdict : std::uint8_t {
  fits,          ///< even the upper end of the band is within the capacity
  likely_fits,   ///< the best value is, the upper end is not
  tight,         ///< the best value is not, the lower end is
  does_not_fit,  ///< not even the lower end is
};
std::string_view to_string(MemoryVerdict verdict);  ///< "fits", "likely fits", "tight", "does not fit"

/// Device memory beside the tensors of the step, between a low and a high estimate.
struct MemoryBand {
  Bytes workspace;     ///< of libraries that take it from the framework's allocator: part of allocated
  Bytes reserved_low;  ///< what the framework's allocator holds at the peak
  Bytes reserved_high;
  Bytes context_low;  ///< what driver, kernels and communicators take outside the allocator
  Bytes context_high;
};

/// Reserved over allocated memory − 1 of the job's allocator, at its best value: the framework's, or more where
/// segments do not grow.
double usual_fragmentation(const JobSpec& job);

/// The band around `peak` bytes of tensors, and around the framework's usual context. Sources of all figures:
/// docs/memory.md. @pre peak is not negative
MemoryBand memory_band(const JobSpec& job, Bytes peak);

MemoryVerdict memory_verdict(Bytes needed, Bytes low, Bytes high, Bytes capacity);

}  // namespace foreshard
