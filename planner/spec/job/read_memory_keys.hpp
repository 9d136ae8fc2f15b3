#pragma once

#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

// Reads those keys of a job's training section that say what is kept in memory: the loss and the optimizer.

namespace foreshard {

/// Reads training.loss. @param usual what the framework does
LossSpec read_loss(const MapReader& training, const LossSpec& usual);

/// Reads training.buckets.
BucketSpec read_buckets(const MapReader& training);

/// Reads training.offload.
OffloadSpec read_offload(const MapReader& training);

/// Reads training.states. Unsaid moments follow from the optimizer and from the weights: adamw-8bit keeps
/// int8 moments and adafactor factored ones; the others keep them in fp32, or in the weights' type where no
/// fp32 weights are kept, as PyTorch's optimizers do.
StatesSpec read_states(const MapReader& training, OptimizerKind optimizer, Precision precision);

}  // namespace foreshard
