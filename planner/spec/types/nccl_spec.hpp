#pragma once

#include <cstdint>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// GPU generations between which NCCL's tuning constants differ.
enum class NcclGeneration : std::uint8_t { volta, ampere, hopper, blackwell };

/// What the model of collectives needs to know about NCCL on NVSwitch nodes, in addition to the links. Nodes
/// without it run plain rings. Source: the accelerator's YAML; docs/collectives.md.
struct NcclSpec {
  NcclGeneration generation = NcclGeneration::ampere;
  BytesPerSecond nvls_bandwidth;  ///< a device's rate to the switch while the switch reduces (NVLink SHARP),
                                  ///< one direction; 0: the switch cannot reduce
  Seconds fixed;                  ///< fixed time of every collective: launch, and waiting for all members
};

}  // namespace foreshard
