#pragma once

#include <cstdint>
#include <vector>

#include "planner/program/tensor.hpp"
#include "planner/spec/model_spec.hpp"

namespace foreshard {

/// Which part of a weight stands on one tensor-parallel rank, as rows of the model's own tensor: row r of the
/// shard, and its columns, are `rows[r]` and `columns` of the whole. A one-dimensional weight has one column.
struct ShardMap {
  static constexpr std::int64_t kPadding = -1;  ///< a row that the model does not have
  std::vector<std::int64_t> rows;
  std::int64_t first_column = 0;
  std::int64_t columns = 1;        ///< of the shard
  std::int64_t model_columns = 1;  ///< of the whole

  /// The place of element (row, column) of the shard in the model's tensor, row-major; kPadding in padding.
  [[nodiscard]] std::int64_t model_index(std::int64_t row, std::int64_t column) const {
    const std::int64_t at = rows[static_cast<std::size_t>(row)];
    return at == kPadding ? kPadding : at * model_columns + first_column + column;
  }
};

/// Sections (q, k, v; gate, up) are cut each on its own. @pre tp divides what is cut, and no kv head is
/// repeated (what_the_runtime_lacks says so before).
ShardMap shard_map(const ModelSpec& model, const Tensor& weight, std::int64_t tp_rank);

}  // namespace foreshard
