#pragma once

#include <cstdint>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/program/tensors/tensor.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard {

/// Which part of a weight stands on one rank, as rows of the model's own tensor: row r of the
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

/// A rank's number among those that cut weights.
struct ShardOf {
  std::int64_t tp = 0;
  std::int64_t ep = 0;
};
ShardOf shard_of(const StepProgram& program, const Coordinates& at);

/// Sections (q, k, v; gate, up) are cut each on its own. Experts stand one after the other, each as a matrix.
/// @pre tp divides what is cut, and no kv head is
/// repeated (what_the_runtime_lacks says so before).
ShardMap shard_map(const Tensor& weight, const ShardOf& shard);

}  // namespace foreshard
