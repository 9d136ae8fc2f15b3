#pragma once

#include <optional>

#include "planner/spec/types/accelerator_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard {

KeyTable host_keys();
KeyTable host_link_keys();

/// Reads `host` in the map of a node or a cluster. Keys that are missing have the values of `usual`; so has
/// everything if `host` itself is missing.
/// @param usual the host of the accelerator's usual node; none when reading that node itself, or where it says none:
///        then `host` must have all keys
std::optional<HostSpec> read_host(const MapReader& map, const std::optional<HostSpec>& usual);

/// Writes the key `host` below the writer's current key; writes nothing if the host is not known.
void write_host(const std::optional<HostSpec>& host, MapWriter& writer);

}  // namespace foreshard
