#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/types/model_spec.hpp"

namespace foreshard {

/// Number of parameters of a model, from the same sum over the step program that plans use.
Parameters count_parameters(ModelSpec model);

}  // namespace foreshard
