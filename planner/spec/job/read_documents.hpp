#pragma once

#include <optional>

#include "planner/spec/types/documents_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// Reads `training.documents`: a length, a list of equally likely lengths, or
/// {mean | lengths, sigma, packed}. None if the key is missing: a sequence is one document.
std::optional<DocumentsSpec> read_documents(const MapReader& training);

/// The keys of the map.
KeyTable documents_keys();

}  // namespace foreshard
