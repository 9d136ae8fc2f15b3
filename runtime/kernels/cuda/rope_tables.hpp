#pragma once

#include <cstdint>
#include <map>
#include <tuple>

namespace foreshard::cuda {

/// Cosines and sines of all positions and pairs, on the GPU: {cos, sin} of (position, pair), fp32, worked out
/// in fp64. Made at the first call of a shape, kept to the end.
class RopeTables {
 public:
  RopeTables() = default;
  ~RopeTables();
  RopeTables(const RopeTables&) = delete;
  RopeTables& operator=(const RopeTables&) = delete;

  /// cosines (sequence, head_dim/2), then sines (sequence, head_dim/2)
  const float* find(std::int64_t sequence, std::int64_t head_dim, double theta);

 private:
  std::map<std::tuple<std::int64_t, std::int64_t, double>, float*> tables_;
};

}  // namespace foreshard::cuda
