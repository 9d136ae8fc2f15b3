#include "runtime/shard/shard_map.hpp"

namespace foreshard {
namespace {

/// The rows of one section of `size` rows that begins at `begin`.
void append_section(std::vector<std::int64_t>& rows, std::int64_t begin, std::int64_t size,
                    std::int64_t parts, std::int64_t part) {
  const std::int64_t share = size / parts;
  for (std::int64_t row = 0; row < share; ++row) rows.push_back(begin + part * share + row);
}

}  // namespace

ShardMap shard_map(const ModelSpec& model, const Tensor& weight, std::int64_t tp_rank) {
  ShardMap map;
  const Dim& leading = weight.dims.front();
  const std::int64_t part = leading.tp > 1 ? tp_rank : 0;
  std::int64_t begin = 0;
  const std::vector<std::int64_t> whole{leading.size};
  for (const std::int64_t section : weight.sections.empty() ? whole : weight.sections) {
    append_section(map.rows, begin, section, leading.tp, part);
    begin += section;
  }
  if (leading.name == DimName::vocab) {
    for (std::int64_t& row : map.rows) {
      if (row >= model.vocab) row = ShardMap::kPadding;
    }
  }
  if (weight.dims.size() > 1) {
    const Dim& trailing = weight.dims[1];
    map.model_columns = trailing.size;
    map.columns = trailing.size / trailing.tp;
    map.first_column = trailing.tp > 1 ? tp_rank * map.columns : 0;
  }
  return map;
}

}  // namespace foreshard
