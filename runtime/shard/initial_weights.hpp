#pragma once

#include <vector>

#include "planner/program/tensors/tensor.hpp"
#include "planner/units/strong_index.hpp"
#include "runtime/shard/shard_map.hpp"

namespace foreshard {

/// The weight that training starts with, one rank's shard of it: matrices uniform with standard deviation
/// 1/√columns, the gains of norms 1 ± 0.1, biases ± 0.1, padding 0. Element by element from the place in the
/// model's tensor, so that all shardings hold the same model.
std::vector<double> initial_weight(const Tensor& weight, LayerId layer, const ShardOf& shard);

}  // namespace foreshard
