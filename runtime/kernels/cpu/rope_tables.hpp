#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace foreshard::cpu {

/// Cosines and sines of rotary embeddings, computed once per (sequence, head_dim, θ).
class RopeTables {
 public:
  /// A table (sequence, head_dim): for each position d/2 cosines, then d/2 sines, of position·θ^(−2i/d).
  /// Computed in fp64.
  const float* turns(std::int64_t sequence, std::int64_t head_dim, double theta);

 private:
  std::map<std::tuple<std::int64_t, std::int64_t, double>, std::vector<float>> tables_;
};

}  // namespace foreshard::cpu
