#include "planner/cost/memory/memory_band.hpp"

#include <algorithm>
#include <cmath>

#include "planner/cost/memory/library_memory.hpp"
#include "planner/frameworks/framework.hpp"

namespace foreshard {

namespace {

// Every figure's source: docs/memory.md.

/// Reserved over allocated memory − 1 at best, and at worst: one arena, or a caching allocator.
constexpr double kLeastFragmentation = 0.01;
constexpr double kMostOfArena = 0.04;
constexpr double kMostOfCache = 0.15;

/// Without expandable segments 15% of what is reserved is lost between blocks on average, and up to 33%.
constexpr double kFixedSegments = 1.0 / (1.0 - 0.15) - 1.0;
constexpr double kMostOfFixedSegments = 1.0 / (1.0 - 0.33) - 1.0;

Bytes share_above(Bytes bytes, double share) {
  return bytes + Bytes(std::llround(bytes.as_double() * share));
}

}  // namespace

std::string_view to_string(MemoryVerdict verdict) {
  switch (verdict) {
    case MemoryVerdict::fits: return "fits";
    case MemoryVerdict::likely_fits: return "likely fits";
    case MemoryVerdict::tight: return "tight";
    case MemoryVerdict::does_not_fit: return "does not fit";
  }
  return "";
}

double usual_fragmentation(const JobSpec& job) {
  return job.training.expandable_segments ? job.conventions().fragmentation : kFixedSegments;
}

MemoryBand memory_band(const JobSpec& job, Bytes peak) {
  const FrameworkConventions usual = framework_conventions(job.framework);
  MemoryBand band;
  if (job.cluster.accelerator.is_cpu) {
    band.reserved_low = peak;
    band.reserved_high = share_above(peak, usual_fragmentation(job));
    return band;
  }
  const Bytes top = dispatcher_buffers(job);
  band.context_low = band.context_high = Bytes();
  for (const LibraryMemory& library : library_memory(job)) {
    if (library.place == MemoryPlace::allocated) band.workspace += library.high;
    if (library.place != MemoryPlace::outside || !library.in_usual) continue;
    band.context_low += library.low;
    band.context_high += library.high;
  }
  band.context_low = std::min(usual.context, band.context_low) + top;
  band.context_high = std::max(usual.context, band.context_high) + top;
  band.reserved_low = share_above(peak, std::min(usual_fragmentation(job), kLeastFragmentation));
  const double most_of_cache = job.training.expandable_segments ? kMostOfCache : kMostOfFixedSegments;
  band.reserved_high = share_above(peak + band.workspace,
                                   job.framework == Framework::foreshard ? kMostOfArena : most_of_cache);
  return band;
}

MemoryVerdict memory_verdict(Bytes needed, Bytes low, Bytes high, Bytes capacity) {
  if (high <= capacity) return MemoryVerdict::fits;
  if (needed <= capacity) return MemoryVerdict::likely_fits;
  return low <= capacity ? MemoryVerdict::tight : MemoryVerdict::does_not_fit;
}

}  // namespace foreshard
