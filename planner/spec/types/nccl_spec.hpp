#pragma once

#include <cstdint>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// GPU generations between which NCCL's tuning constants differ.
enum class NcclGeneration : std::uint8_t { volta, ampere, hopper, blackwell };

/// What the collective model needs to know of NCCL on NVSwitch nodes beside their links. A node without it
/// runs plain rings. Source: the accelerator's YAML; docs/collectives.md.
struct NcclSpec {
  NcclGeneration generation = NcclGeneration::ampere;
  BytesPerSecond nvls_bandwidth;  ///< what a device sends to the switch while the switch reduces (NVLink
                                  ///< SHARP), one direction; 0: the switch cannot
  Seconds fixed;                  ///< of every collective beside its steps: launch, the members' meeting
};

}  // namespace foreshard
