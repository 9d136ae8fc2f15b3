#pragma once

#include <cstdint>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/program/tensors/tensor.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard {

/// The part of a weight that one rank holds. Row r of the shard is row `rows[r]` of the model's tensor, in
/// its columns from `first_column` to `first_column + columns` − 1. A one-dimensional weight has one column.
struct ShardMap {
  static constexpr std::int64_t kPadding = -1;  ///< a padding row, which the model's tensor does not have
  std::vector<std::int64_t> rows;
  std::int64_t first_column = 0;
  std::int64_t columns = 1;        ///< of the shard
  std::int64_t model_columns = 1;  ///< of the model's tensor

  /// The row-major index of the shard's element (row, column) in the model's tensor; kPadding for padding.
  [[nodiscard]] std::int64_t model_index(std::int64_t row, std::int64_t column) const {
    const std::int64_t at = rows[static_cast<std::size_t>(row)];
    return at == kPadding ? kPadding : at * model_columns + first_column + column;
  }
};

/// A rank's coordinates along the axes that shard weights.
struct ShardOf {
  std::int64_t tp = 0;
  std::int64_t ep = 0;
  std::int64_t etp = 0;
};
ShardOf shard_of(const StepProgram& program, const Coordinates& at);

/// Computes the part of a weight that a rank holds. Sections (q, k, v; gate, up) are sharded separately. The
/// experts of a weight follow one another, each as a matrix; those of a bias, each as a vector.
/// Example: gate and up of 4 rows each are stacked into 8 rows; with tp 2, rank 1 holds rows 2, 3, 6 and 7.
/// @pre tp divides the sharded dimension, and no kv head is repeated (what_the_runtime_lacks() checks this
/// earlier).
ShardMap shard_map(const Tensor& weight, const ShardOf& shard);

}  // namespace foreshard
