#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Counts the model's weights: the sum over the program's weight tensors, without padding.
ParameterCounts count_parameters(const JobSpec& job, const StepProgram& program);

/// Model FLOPs of one micro-batch, summed over all tensor-parallel ranks and layers, without padding.
struct ModelFlops {
  Flops forward;
  Flops backward;
  Flops attention_core;  ///< the part of both that a causal mask would halve
};
ModelFlops count_model_flops(const JobSpec& job, const StepProgram& program);

/// Lists the kinds of layers: one for each forward block of a layer, in the order of the program's blocks.
std::vector<LayerSplit> split_layers(const JobSpec& job, const StepProgram& program);

/// The kind of layer to show if only one is shown: the one with most layers, among those with experts if
/// there are any.
LayerSplit usual_layer(const std::vector<LayerSplit>& kinds);

}  // namespace foreshard
