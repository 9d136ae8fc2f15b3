#pragma once

#include <string>
#include <vector>

#include "planner/report/planned_job.hpp"

namespace foreshard::report {

/// One change that frees memory on the worst device.
struct MemoryRemedy {
  std::string key;      ///< to change: "parallelism.zero"
  std::string value;    ///< to change it to: "1"
  Bytes saved;          ///< about; after the remedies before it
  std::string because;  ///< "spreads the optimizer state over 2 replicas"
};

struct MemoryAdvice {
  std::vector<MemoryRemedy> remedies;  ///< to apply together; empty where nothing legal helps
  Bytes still_missing;                 ///< 0 where they are enough, by this rule of thumb
};

/// What to try when a job does not fit: the single cheapest remedy that frees enough, else the cheapest few
/// together. Cheapest means least step time lost: ZeRO 1, sequence parallelism, smaller micro-batches, more
/// pipeline stages, more tensor parallelism within the node, full recomputation, ZeRO 3, in this order.
///
/// A rule of thumb on the worst stage's ledger (halving a degree's share halves what it divides): the figures
/// say what is worth trying, planning it says whether it fits.
/// @pre !planned.estimate.memory.fits
MemoryAdvice advise_memory(const PlannedJob& planned);

}  // namespace foreshard::report
