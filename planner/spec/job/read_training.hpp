#pragma once

#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// Reads the training section of a job whose other sections have been read. Defaults of missing keys depend
/// on the framework's conventions, the model and the parallelism.
TrainingSpec read_training(const MapReader& map, const JobSpec& job);

/// The version of flash attention that the framework ships, on any GPU; none: the accelerator's usual
/// one. PyTorch ships FlashAttention-2. Models with LayerNorm are taken to be from the years before it, when
/// LLM Foundry ran FlashAttention's algorithm in Triton. Source: docs/frameworks.md.
std::optional<FlashVersion> usual_flash(const JobSpec& job);

}  // namespace foreshard
