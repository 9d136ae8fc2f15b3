#pragma once

#include <optional>

#include "planner/spec/types/nccl_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard {

KeyTable nccl_keys();

/// The value of `nccl` in the map of a node or a cluster. What it leaves unsaid is as usual; without the key,
/// all is as usual.
/// @param usual of the accelerator's node; none for that node itself, which must say it all
std::optional<NcclSpec> read_nccl(const MapReader& map, const std::optional<NcclSpec>& usual);

/// The key `nccl` below the writer's current key; nothing if there is no NCCL.
void write_nccl(const std::optional<NcclSpec>& nccl, MapWriter& writer);

}  // namespace foreshard
