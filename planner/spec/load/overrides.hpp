#pragma once

#include <vector>

#include "planner/spec/library/library.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// Returns the job with its values replaced by those of the overrides, in the order given. If an override's
/// path leads into a model, cluster or accelerator that the job names, that config is opened. New keys are
/// added; the reader later refuses unknown ones. Complaints about such a value name the option, `--set
/// parallelism.tp=6`, instead of a file.
NodePtr apply_overrides(NodePtr job, const std::vector<Override>& overrides, Library& library);

}  // namespace foreshard
