#pragma once

#include "planner/export/argument_list.hpp"
#include "planner/export/unsaid.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::detail {

/// Megatron-LM's arguments for the model. Source of the flags: NVIDIA/Megatron-LM, megatron/training/arguments.py.
ArgumentList megatron_model_arguments(const JobSpec& job, Unsaid& unsaid);

/// Megatron-LM's arguments for parallelism and training.
ArgumentList megatron_training_arguments(const JobSpec& job, Unsaid& unsaid);

}  // namespace foreshard::detail
