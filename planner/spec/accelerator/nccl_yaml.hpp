#pragma once

#include <optional>

#include "planner/spec/types/nccl_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard {

KeyTable nccl_keys();

/// Reads `nccl` in the map of a node or a cluster. Keys that are missing have the values of `usual`; so has
/// everything if `nccl` itself is missing.
/// @param usual the values of the accelerator's usual node; none when reading that node itself, whose `nccl`
///        must have all keys
std::optional<NcclSpec> read_nccl(const MapReader& map, const std::optional<NcclSpec>& usual);

/// Writes the key `nccl` below the writer's current key; writes nothing if there is no NCCL.
void write_nccl(const std::optional<NcclSpec>& nccl, MapWriter& writer);

}  // namespace foreshard
