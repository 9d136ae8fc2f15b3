#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The model's weights, summed over the program's weight tensors without their padding.
ParameterCounts count_parameters(const JobSpec& job, const StepProgram& program);

/// Model FLOPs of one micro-batch over all tensor-parallel ranks and layers, without padding.
struct ModelFlops {
  Flops forward;
  Flops backward;
  Flops attention_core;  ///< the part of both that a causal mask would halve
};
ModelFlops count_model_flops(const JobSpec& job, const StepProgram& program);

/// One kind of layer for each forward block of layers, in the order of the program's blocks.
std::vector<LayerSplit> split_layers(const JobSpec& job, const StepProgram& program);

/// The kind that stands for the model where only one is shown: one with experts where there are some, of those
/// the kind with most layers.
LayerSplit usual_layer(const std::vector<LayerSplit>& kinds);

}  // namespace foreshard
