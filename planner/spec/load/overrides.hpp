#pragma once

#include <vector>

#include "planner/spec/library/library.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// The job with each override's value in place of its own, in the order given. A model, cluster or
/// accelerator that the job names is opened where a path leads into it. New keys are added: the reader knows
/// which there are. Complaints about such a value name the option, `--set parallelism.tp=6`, in place of a
/// file.
NodePtr apply_overrides(NodePtr job, const std::vector<Override>& overrides, Library& library);

}  // namespace foreshard
