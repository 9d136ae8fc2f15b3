#pragma once

#include <optional>
#include <string>

#include "planner/spec/library/config_kind.hpp"

namespace foreshard {

/// Says why an accelerator or a cluster of this name is left out on purpose: its figures would be guesses,
/// because the step program describes kernels that a host launches on GPUs. None for all other names.
std::optional<std::string> why_refused(ConfigKind kind, const std::string& name);

}  // namespace foreshard
