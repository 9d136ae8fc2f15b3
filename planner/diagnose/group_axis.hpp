#pragma once

#include <optional>

#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/group.hpp"
#include "planner/trace/trace_sums.hpp"

namespace foreshard {

/// The kind of the job's groups to which a traced collective's process group belongs: by the words of its description
/// (Megatron-LM's "TENSOR_MODEL_PARALLEL_GROUP", torchtitan's "mesh_tp"), else by its ranks, else by its size if the
/// job's groups of that size all belong to one axis. None if none of these tells.
std::optional<GroupKind> group_of(const TracedCollective& collective, const JobSpec& job);

}  // namespace foreshard
