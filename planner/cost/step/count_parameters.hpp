#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/types/model_spec.hpp"

namespace foreshard {

/// Parameters of a model, by the same sum over the step program that plans use.
Parameters count_parameters(ModelSpec model);

}  // namespace foreshard
