#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace foreshard {

/// An index of its own type: a LayerId cannot be used as a StageId. Indices start at 0. Conversions from and
/// to integers are explicit.
template <class Tag>
class StrongIndex {
 public:
  constexpr StrongIndex() = default;
  constexpr explicit StrongIndex(std::int32_t value) : value_(value) {}
  constexpr explicit StrongIndex(std::size_t value) : value_(static_cast<std::int32_t>(value)) {}

  [[nodiscard]] constexpr std::int32_t value() const { return value_; }
  /// For indexing a container.
  [[nodiscard]] constexpr std::size_t at() const { return static_cast<std::size_t>(value_); }

  constexpr StrongIndex& operator++() {
    ++value_;
    return *this;
  }
  friend constexpr auto operator<=>(StrongIndex, StrongIndex) = default;

 private:
  std::int32_t value_ = 0;
};

using Rank = StrongIndex<struct RankTag>;      ///< a device, 0 … devices − 1
using StageId = StrongIndex<struct StageTag>;  ///< a pipeline stage, 0 … pp − 1
using ChunkId = StrongIndex<struct ChunkTag>;  ///< a model chunk of a stage, 0 … vp − 1
using LayerId = StrongIndex<struct LayerTag>;  ///< a transformer layer, 0 … layers − 1
using LayerKindId =
    StrongIndex<struct LayerKindTag>;  ///< a kind of layer, in the order of their first layers
using MicroBatch = StrongIndex<struct MicroBatchTag>;  ///< 0 … micro-batches per rank and step − 1
using TensorId = StrongIndex<struct TensorTag>;        ///< into StepProgram::tensors
using BlockId = StrongIndex<struct BlockTag>;          ///< into StepProgram::blocks
using OpId = StrongIndex<struct OpTag>;                ///< into Block::ops

}  // namespace foreshard

template <class Tag>
struct std::hash<foreshard::StrongIndex<Tag>> {
  std::size_t operator()(foreshard::StrongIndex<Tag> index) const noexcept {
    return std::hash<std::int32_t>{}(index.value());
  }
};
