#pragma once

#include <vector>

#include "planner/program/tensors/tensor.hpp"
#include "planner/units/strong_index.hpp"
#include "runtime/shard/shard_map.hpp"

namespace foreshard {

/// The initial values of one rank's shard of a weight, drawn uniformly: matrices with standard deviation
/// 1/√columns, gains of norms in 1 ± 0.1, biases in ± 0.1; padding is 0. Each element depends only on its
/// place in the model's tensor, so all shardings start with the same model.
std::vector<double> initial_weight(const Tensor& weight, LayerId layer, const ShardOf& shard);

}  // namespace foreshard
