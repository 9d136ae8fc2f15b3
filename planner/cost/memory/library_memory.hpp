#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Which figure a library's memory is part of. allocated: it comes from the framework's allocator. outside: it is taken
/// from the device directly, and tools that show the framework's allocator do not see it.
enum class MemoryPlace : std::uint8_t { allocated, outside };

/// Device memory that one library takes, between a low and a high estimate.
struct LibraryMemory {
  std::string name;  ///< "NCCL, tp"
  MemoryPlace place = MemoryPlace::outside;
  Bytes low;
  Bytes high;
  bool in_usual =
      true;  ///< the framework's usual context (FrameworkConventions) includes it; false: it comes on top
};

/// What the libraries of a job take on the worst device, beside the tensors of the step. Empty on a CPU. Sources of all
/// figures: docs/memory.md.
std::vector<LibraryMemory> library_memory(const JobSpec& job);

/// The receive buffers of DeepEP or HybridEP, whose sizes follow from their code; 0 with other dispatchers.
Bytes dispatcher_buffers(const JobSpec& job);

}  // namespace foreshard
