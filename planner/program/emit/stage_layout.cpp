#include "planner/program/emit/stage_layout.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <stdexcept>

#include <fmt/core.h>

namespace foreshard {
namespace {

/// `total` layers in `pieces` counts that differ by at most one, the larger ones in the middle.
std::vector<std::int64_t> split_evenly(std::int64_t total, std::int64_t pieces) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(pieces), total / pieces);
  const std::int64_t remainder = total % pieces;
  const std::int64_t first_larger = (pieces - remainder) / 2;
  for (std::int64_t i = 0; i < remainder; ++i) ++counts[static_cast<std::size_t>(first_larger + i)];
  return counts;
}

/// The output head's forward FLOPs over those of one layer, per token of a sequence of `sequence_length`.
double head_in_layers(const ModelSpec& model, std::int64_t tp, std::int64_t sequence_length) {
  const auto hidden = static_cast<double>(model.hidden);
  const auto heads = static_cast<double>(model.heads);
  const auto kv_heads = static_cast<double>(model.kv_heads);
  const auto head_dim = static_cast<double>(model.head_dim);
  const double matrices = is_gated(model.ffn) ? 3.0 : 2.0;
  const auto vocab = static_cast<double>(round_up(model.vocab, model.vocab_multiple * tp));
  // The FFN widths that one token passes through.
  const double ffn = model.experts ? static_cast<double>(model.experts->per_token * model.experts->hidden +
                                                         model.experts->shared_hidden)
                                   : static_cast<double>(model.ffn_hidden);
  // q and output projections, k and v projections, the attention core's two products over s keys, the FFN
  const double layer = 2 * hidden * head_dim * (2 * heads + 2 * kv_heads) +
                       4 * static_cast<double>(sequence_length) * heads * head_dim +
                       2 * matrices * hidden * ffn;
  return 2 * hidden * vocab / layer;
}

/// The split whose slowest piece is fastest. All layers cost 1, so only the last piece's count is open: the
/// others share what is left evenly. Among equal splits the last piece takes most, because early stages keep
/// more micro-batches in flight.
std::vector<std::int64_t> split_by_cost(std::int64_t layers, std::int64_t pieces, double head) {
  if (pieces == 1) return {layers};
  const std::int64_t others = pieces - 1;
  std::int64_t best_last = 1;
  double best_slowest = 0.0;
  for (std::int64_t last = 1; last <= layers - others; ++last) {
    const double slowest =
        std::max(static_cast<double>(ceil_divide(layers - last, others)), static_cast<double>(last) + head);
    if (last == 1 || slowest <= best_slowest) {
      best_last = last;
      best_slowest = slowest;
    }
  }
  std::vector<std::int64_t> counts = split_evenly(layers - best_last, others);
  counts.push_back(best_last);
  return counts;
}

/// The job's own counts, per piece in model order. Counts given per stage are split evenly over its chunks.
std::vector<std::int64_t> listed_counts(const ParallelismSpec& parallelism) {
  const auto stages = static_cast<std::size_t>(parallelism.pp);
  const auto chunks = static_cast<std::size_t>(parallelism.vp);
  const std::vector<std::int64_t>& listed = parallelism.stage_layers;
  if (listed.size() == stages * chunks) return listed;
  if (listed.size() != stages)
    throw std::invalid_argument(fmt::format("{} layer counts for {} stages of {} chunks", listed.size(),
                                            parallelism.pp, parallelism.vp));
  std::vector<std::int64_t> counts(stages * chunks);
  for (std::size_t stage = 0; stage < stages; ++stage) {
    const std::vector<std::int64_t> of_stage = split_evenly(listed[stage], parallelism.vp);
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) counts[chunk * stages + stage] = of_stage[chunk];
  }
  return counts;
}

std::vector<std::int64_t> piece_counts(const ModelSpec& model, const ParallelismSpec& parallelism,
                                       std::int64_t sequence_length) {
  const std::int64_t pieces = checked_product(parallelism.pp, parallelism.vp);
  switch (parallelism.stage_policy) {
    case StagePolicy::even: return split_evenly(model.layers, pieces);
    case StagePolicy::by_cost:
      return split_by_cost(model.layers, pieces, head_in_layers(model, parallelism.tp, sequence_length));
    case StagePolicy::listed: break;
  }
  return listed_counts(parallelism);
}

}  // namespace

std::vector<std::vector<LayerRange>> stage_layout(const ModelSpec& model, const ParallelismSpec& parallelism,
                                                  std::int64_t sequence_length) {
  const std::vector<std::int64_t> counts = piece_counts(model, parallelism, sequence_length);
  if (std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) != model.layers ||
      *std::min_element(counts.begin(), counts.end()) < 1)
    throw std::invalid_argument(
        fmt::format("{} layers do not make {} pieces of at least one layer", model.layers, counts.size()));
  const auto stages = static_cast<std::size_t>(parallelism.pp);
  std::vector<std::vector<LayerRange>> layout(stages);
  std::int64_t first = 0;
  for (std::size_t piece = 0; piece < counts.size(); ++piece) {
    layout[piece % stages].push_back(
        {.first = LayerId(static_cast<std::int32_t>(first)), .count = counts[piece]});
    first += counts[piece];
  }
  return layout;
}

}  // namespace foreshard
