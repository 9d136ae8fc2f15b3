#pragma once

#include "planner/spec/types/confidence.hpp"
#include "planner/spec/yaml/map_reader.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard {

/// The keys of an accelerator's map `confidence`: one for each ConstantGroup.
KeyTable confidence_keys();

/// Reads the key `confidence` of an accelerator's map. Groups that it does not name stay unsaid.
Confidences read_confidence(const MapReader& accelerator);

/// Writes the key as it is read; nothing if no group is said.
void write_confidence(const Confidences& confidence, MapWriter& writer);

}  // namespace foreshard
