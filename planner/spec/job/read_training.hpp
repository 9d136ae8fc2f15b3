#pragma once

#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The training section of a job whose other parts are read; what it leaves unsaid comes from the framework's
/// conventions, the model and the parallelism.
TrainingSpec read_training(const MapReader& map, const JobSpec& job);

/// The flash attention that the framework brings, whatever the card; none: the accelerator's usual one.
/// PyTorch brings FlashAttention-2. LayerNorm marks the models of the years before it, when LLM Foundry ran
/// FlashAttention's algorithm in Triton. Source: docs/frameworks.md.
std::optional<FlashVersion> usual_flash(const JobSpec& job);

}  // namespace foreshard
