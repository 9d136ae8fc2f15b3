#include "planner/program/build/recomputed_layers.hpp"

#include <algorithm>
#include <utility>

namespace foreshard {

namespace {

class LayerChoice {
 public:
  explicit LayerChoice(const Placement& placement) : placement_(placement) {
    for (const ModelPiece& piece : placement.pieces())
      chosen_.resize(std::max(chosen_.size(), piece.layers.end().at()), false);
  }

  void choose(const AllLayers&) { chosen_.assign(chosen_.size(), true); }

  void choose(const FirstLayers& first) {
    for (const ModelPiece& piece : placement_.pieces()) choose_first(piece.layers, first.count);
  }

  /// Layer i of 1 … L is chosen if i · share reaches the next one of 1/2, 3/2, 5/2, …
  void choose(const ShareOfLayers& share) {
    constexpr double kRounding = 1e-9;
    double threshold = 0.5;
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      if (static_cast<double>(i + 1) * share.share < threshold - kRounding) continue;
      chosen_[i] = true;
      threshold += 1.0;
    }
  }

  /// Each stage counts its own layers, through its chunks.
  void choose(const EveryNthLayer& every) {
    for (std::size_t s = 0; s < placement_.stages(); ++s) {
      const StageId stage(s);
      std::int64_t count = 0;
      for (std::size_t c = 0; c < placement_.chunks(stage); ++c) {
        const LayerRange& layers = placement_.piece(stage, ChunkId(c)).layers;
        for (LayerId layer = layers.first; layer < layers.end(); ++layer)
          chosen_[layer.at()] = ++count % every.n == 0;
      }
    }
  }

  void choose(const ListedLayers& listed) {
    const std::vector<ModelPiece>& pieces = placement_.pieces();
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const bool by_piece = listed.counts.size() == pieces.size();
      choose_first(pieces[i].layers, listed.counts[by_piece ? i : pieces[i].stage.at()]);
    }
  }

  std::vector<bool> take() { return std::move(chosen_); }

 private:
  void choose_first(const LayerRange& layers, std::int64_t count) {
    const std::int64_t last = std::min(count, layers.count);
    for (std::int64_t i = 0; i < last; ++i) chosen_[layers.first.at() + static_cast<std::size_t>(i)] = true;
  }

  const Placement& placement_;
  std::vector<bool> chosen_;
};

}  // namespace

std::vector<bool> recomputed_layers(const RecomputeLayers& layers, const Placement& placement) {
  LayerChoice choice(placement);
  std::visit([&](const auto& which) { choice.choose(which); }, layers);
  return choice.take();
}

}  // namespace foreshard
