#include "runtime/shard/shard_map.hpp"

namespace foreshard {
namespace {

/// Appends the rank's rows of one section, which has `size` rows and begins at `begin`.
void append_section(std::vector<std::int64_t>& rows, std::int64_t begin, std::int64_t size,
                    std::int64_t parts, std::int64_t part) {
  const std::int64_t share = size / parts;
  for (std::int64_t row = 0; row < share; ++row) rows.push_back(begin + part * share + row);
}

}  // namespace

ShardOf shard_of(const StepProgram& program, const Coordinates& at) {
  const DeviceMesh mesh = mesh_of(program);
  const ExpertCoordinates expert = mesh.expert_coordinates(mesh.rank(at));
  return {.tp = at.tp, .ep = expert.ep, .etp = expert.etp};
}

ShardMap shard_map(const Tensor& weight, const ShardOf& shard) {
  ShardMap map;
  const bool is_experts_bias = weight.is_of_routed_experts() && weight.meaning.aspect == TensorAspect::bias;
  const bool is_of_experts = weight.dims.size() > 2 || is_experts_bias;
  const Dim& leading = weight.dims[is_of_experts ? 1 : 0];
  Dim cut_by_ep = weight.dims[0];
  cut_by_ep.dp = 1;  // ZeRO-3 may cut the experts of a bias: the map is of all that the rank gathers
  const std::int64_t experts = is_of_experts ? cut_by_ep.local() : 1;
  const std::int64_t tp_part = is_of_experts ? shard.etp : shard.tp;
  const std::int64_t part = leading.tp > 1 ? tp_part : 0;
  const std::vector<std::int64_t> whole{leading.size};
  for (std::int64_t expert = 0; expert < experts; ++expert) {
    std::int64_t begin = (shard.ep * experts + expert) * leading.size;
    if (!is_of_experts) begin = 0;
    for (const std::int64_t section : weight.sections.empty() ? whole : weight.sections) {
      append_section(map.rows, begin, section, leading.tp, part);
      begin += section;
    }
  }
  if (leading.name == DimName::vocab) {
    for (std::int64_t& row : map.rows) {
      if (row >= weight.known_rows()) row = ShardMap::kPadding;
    }
  }
  if (weight.dims.size() > 1 && !is_experts_bias) {
    const Dim& trailing = weight.dims.back();
    map.model_columns = trailing.size;
    map.columns = trailing.size / trailing.tp;
    map.first_column = trailing.tp > 1 ? tp_part * map.columns : 0;
  }
  return map;
}

}  // namespace foreshard
