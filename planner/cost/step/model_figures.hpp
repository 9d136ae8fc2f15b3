#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/job/job_spec.hpp"

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

/// One layer's attention (norms left out) and FFN: parameters, FLOPs and tensor-parallel bytes of one
/// micro-batch.
struct LayerSplit {
  LayerFigures attention;
  LayerFigures ffn;
};
LayerSplit split_layer(const JobSpec& job, const StepProgram& program);

}  // namespace foreshard
