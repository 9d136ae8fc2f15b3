#pragma once

#include <optional>
#include <span>

#include "planner/search/variants.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// A change on the same devices with which a job fits.
struct Remedy {
  Variant variant;  ///< its choices are the change
  Bytes needed;     ///< per device, on the worst stage
};

/// The first change after which the job fits, of those that cost no or little step time first: ZeRO 1,
/// selective recomputation, micro-batches of one sequence, full recomputation, ZeRO 3, and some of them
/// together. Each is planned, none guessed. `fixed` axes stay as they are. None if none of these helps.
/// @pre `job` is legal.
std::optional<Remedy> find_remedy(const JobSpec& job, std::span<const Axis> fixed);

}  // namespace foreshard
