#include "runtime/shard/initial_weights.hpp"

#include <cmath>

#include "planner/program/tensor_label.hpp"
#include "runtime/shard/random.hpp"
#include "runtime/shard/shard_map.hpp"

namespace foreshard {
namespace {

struct Distribution {
  double centre = 0.0;
  double reach = 0.0;  ///< uniform in centre ± reach
};

Distribution distribution_of(const Tensor& weight) {
  if (weight.meaning.aspect == TensorAspect::bias)
    return {.centre = 0.0, .reach = 0.1};  // of one or many experts
  if (weight.dims.size() == 1) {
    const bool is_gain = weight.meaning.aspect == TensorAspect::weight;
    return {.centre = is_gain ? 1.0 : 0.0, .reach = 0.1};
  }
  // A uniform variable in ± √3·σ has standard deviation σ.
  return {.centre = 0.0, .reach = std::sqrt(3.0 / static_cast<double>(weight.dims.back().size))};
}

}  // namespace

std::vector<double> initial_weight(const Tensor& weight, LayerId layer, const ShardOf& shard) {
  const ShardMap map = shard_map(weight, shard);
  const Distribution distribution = distribution_of(weight);
  const std::uint64_t stream =
      mixed_bits(stream_of(label_of(weight.meaning)) + static_cast<std::uint64_t>(layer.value()));
  std::vector<double> values;
  values.reserve(map.rows.size() * static_cast<std::size_t>(map.columns));
  for (std::size_t row = 0; row < map.rows.size(); ++row) {
    for (std::int64_t column = 0; column < map.columns; ++column) {
      const std::int64_t at = map.model_index(static_cast<std::int64_t>(row), column);
      const double noise =
          at == ShardMap::kPadding ? 0.0 : symmetric_uniform(stream, static_cast<std::uint64_t>(at));
      values.push_back(at == ShardMap::kPadding ? 0.0 : distribution.centre + distribution.reach * noise);
    }
  }
  return values;
}

}  // namespace foreshard
