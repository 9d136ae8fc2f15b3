#pragma once

#include <cstdint>
#include <map>
#include <tuple>

namespace foreshard::cuda {

/// Cosines and sines of all positions and pairs in GPU memory: fp32, computed in fp64 at the first call of a
/// shape, and kept.
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
