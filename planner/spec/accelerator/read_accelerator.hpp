#pragma once

#include <string>

#include "planner/spec/library/library.hpp"
#include "planner/spec/types/accelerator_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The keys of an accelerator and of the maps inside it.
KeyTable accelerator_keys();
KeyTable memory_keys();
KeyTable multiprocessors_keys();
KeyTable gemm_keys();
KeyTable gemm_rate_keys();
KeyTable node_keys();
KeyTable link_keys();
KeyTable price_keys();
KeyTable power_keys();

/// Reads an accelerator, given by name, by path or as a map. Do not use the result if there were complaints.
/// @param owner the place of the key whose value this is
/// @param path the dotted path of that key; "" if the accelerator is a document of its own
AcceleratorSpec read_accelerator(const NodePtr& node, const Place& owner, const std::string& path,
                                 Library& library);

}  // namespace foreshard
