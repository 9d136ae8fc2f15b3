#include "planner/program/build/sync_points.hpp"

#include <algorithm>
#include <cstdint>

namespace foreshard {

namespace {

/// A range of consecutive layers with the same weights.
struct WeightRun {
  const LayerWeights* weights = nullptr;
  LayerId first;
  std::int64_t layers = 0;
};

/// The longest such range that ends just below `end` and does not go below `lowest`.
WeightRun run_below(const LayerBlocks& layers, LayerId end, LayerId lowest) {
  WeightRun run{.weights = &layers.weights(LayerId(end.value() - 1)), .first = end};
  while (run.first > lowest && &layers.weights(LayerId(run.first.value() - 1)) == run.weights) {
    run.first = LayerId(run.first.value() - 1);
    ++run.layers;
  }
  return run;
}

std::string words_for(const WeightRun& run) { return run.weights->name + " x " + std::to_string(run.layers); }

std::int64_t layers_per_bucket(const ProgramBuilder& builder, const LayerWeights& weights, Bytes bucket) {
  Bytes one_layer;
  for (const WeightGroup* group : weights.groups()) one_layer += gradient_bytes(builder, *group);
  return one_layer > Bytes(0) ? std::max<std::int64_t>(bucket.value() / one_layer.value(), 1) : 1;
}

/// Appends the units of a range of layers, for a block call with layer `from`.
void append_units(std::vector<SyncUnit>& units, const WeightRun& run, LayerId from) {
  for (const WeightGroup* group : run.weights->groups())
    units.push_back({group, run.layers, run.first.value() - from.value()});
}

/// Appends units of what follows the last layer, for a block call with layer `from`.
void append_end(SyncPoint& point, const std::vector<SyncUnit>& units, const std::string& name, LayerId end) {
  for (SyncUnit unit : units) {
    unit.first += end.value() - point.layer.value();
    point.units.push_back(unit);
  }
  point.name += (point.name.empty() ? "" : " + ") + name;
}

/// The block that completes the gradients of a piece, for its first layer.
BlockId completes(const LayerBlocks& layers, const ModelEnds& ends, const ModelPiece& piece) {
  if (piece.has_embedding) return ends.embedding_last;
  if (piece.layers.count > 0) return layers.passes(piece.layers.first).last();
  return piece.has_mtp ? ends.mtp_last : ends.head_last;
}

SyncPoint whole_piece(const LayerBlocks& layers, const ModelEnds& ends, const ModelPiece& piece) {
  constexpr std::size_t kMostRunsNamed = 4;
  const LayerId first = piece.layers.first;
  SyncPoint point{.name = {}, .units = {}, .layer = first, .completes = completes(layers, ends, piece)};
  if (piece.has_head) append_end(point, ends.head_units, "head", ends.last_layer);
  if (piece.has_mtp) append_end(point, ends.mtp_units, "mtp", ends.last_layer);
  std::string runs;
  std::size_t count = 0;
  for (LayerId end = piece.layers.end(); end > first; ++count) {
    const WeightRun run = run_below(layers, end, first);
    append_units(point.units, run, first);
    runs += (runs.empty() ? "" : " + ") + words_for(run);
    end = run.first;
  }
  if (count > kMostRunsNamed) {
    runs =
        "layers " + std::to_string(first.value()) + " to " + std::to_string(piece.layers.end().value() - 1);
  }
  if (!runs.empty()) append_end(point, {}, runs, first);
  if (piece.has_embedding) append_end(point, ends.embedding_units, "embedding", first);
  return point;
}

}  // namespace

std::vector<SyncPoint> sync_points(const ProgramBuilder& builder, const LayerBlocks& layers,
                                   const ModelEnds& ends, const ModelPiece& piece, Bytes bucket) {
  if (is_empty(piece)) return {};
  if (bucket == Bytes(0)) return {whole_piece(layers, ends, piece)};

  std::vector<SyncPoint> points;
  if (piece.has_head) points.push_back({"head", ends.head_units, ends.last_layer, ends.head_last});
  if (piece.has_mtp) points.push_back({"mtp", ends.mtp_units, ends.last_layer, ends.mtp_last});
  for (LayerId end = piece.layers.end(); end > piece.layers.first;) {
    WeightRun run = run_below(layers, end, piece.layers.first);
    run.layers = std::min(run.layers, layers_per_bucket(builder, *run.weights, bucket));
    run.first = LayerId(end.value() - static_cast<std::int32_t>(run.layers));
    SyncPoint point{.name = words_for(run), .units = {}, .layer = run.first, .completes = {}};
    append_units(point.units, run, run.first);
    point.completes = layers.passes(run.first).last();
    points.push_back(std::move(point));
    end = run.first;
  }
  if (piece.has_embedding)
    points.push_back({"embedding", ends.embedding_units, LayerId(0), ends.embedding_last});
  return points;
}

}  // namespace foreshard
