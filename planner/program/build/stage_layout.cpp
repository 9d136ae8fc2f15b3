#include "planner/program/build/stage_layout.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>

#include <fmt/core.h>

#include "planner/program/schedule/schedule.hpp"

namespace foreshard {
namespace {

/// Splits `total` layers into `pieces` counts that differ by at most one, with the larger ones in the middle.
std::vector<std::int64_t> split_evenly(std::int64_t total, std::int64_t pieces) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(pieces), total / pieces);
  const std::int64_t remainder = total % pieces;
  const std::int64_t first_larger = (pieces - remainder) / 2;
  for (std::int64_t i = 0; i < remainder; ++i) ++counts[static_cast<std::size_t>(first_larger + i)];
  return counts;
}

/// The split that minimises the cost of the most expensive piece, for layers that cost 1 each and a head on
/// the last piece. Only the count of the last piece is searched: the others share the remaining layers
/// evenly. Among equally good splits the one with the most layers on the last piece wins, because early
/// stages keep more micro-batches in flight.
std::vector<std::int64_t> split_equal_layers(std::int64_t layers, std::int64_t pieces, double head) {
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

/// Cuts layers that differ in cost into pieces, such that the most expensive piece is as cheap as possible.
///
/// Example: layers that cost 1 1 4 1 1 1 1 and a head that costs 2, in three pieces.
/// 1. Find the smallest limit on the cost of a piece. With limit 4, pieces filled from the right are
///    [1 1 + head] [1 1] [4] [1 1]: one too many. With limit 5 they are [1 1 1 + head] [4 1] [1 1]: three.
/// 2. The last piece takes as many layers as the limit allows: three.
/// 3. The other pieces are cut without it, with a smallest limit of their own (1 1 4 1 in two pieces: 5
/// again).
///    From the left, each piece ends where its cost is nearest to the mean cost of the pieces still to be
///    cut, provided that the layers after it can keep the limit. Here the mean is 3.5 and [1 1] is nearest (1
///    1 4 is above the limit), so the result is [1 1] [4 1] [1 1 1 + head].
class CostSplit {
 public:
  /// @param head cost of the head, which is on the last piece
  CostSplit(std::span<const Flops> layers, std::size_t pieces, Flops head)
      : layers_(layers.size()), pieces_(pieces) {
    until_.push_back(0);
    for (const Flops layer : layers) until_.push_back(until_.back() + layer.value());
    until_.back() += head.value();
    find_limit();
  }

  /// The largest number of layers that the last piece can take.
  [[nodiscard]] std::size_t most_on_last() const {
    std::size_t first = layers_ - 1;
    while (first > pieces_ - 1 && cost(first - 1, layers_) <= limit_) --first;
    return layers_ - first;
  }

  [[nodiscard]] std::vector<std::int64_t> counts() const {
    std::vector<std::int64_t> counts;
    std::size_t first = 0;
    for (std::size_t left = pieces_; left > 1; --left) {
      const std::size_t end = end_of_piece(first, left);
      counts.push_back(static_cast<std::int64_t>(end - first));
      first = end;
    }
    counts.push_back(static_cast<std::int64_t>(layers_ - first));
    return counts;
  }

 private:
  [[nodiscard]] std::int64_t cost(std::size_t first, std::size_t end) const {
    return until_[end] - until_[first];
  }

  /// For each layer, the smallest number of pieces of cost at most `limit` that hold this layer and all after
  /// it; none if a single layer costs more than the limit.
  [[nodiscard]] std::optional<std::vector<std::size_t>> fewest_pieces(std::int64_t limit) const {
    std::vector<std::size_t> fewest(layers_ + 1, 0);
    std::size_t end = layers_;
    for (std::size_t layer = layers_; layer-- > 0;) {
      if (cost(layer, end) > limit) end = layer + 1;
      if (cost(layer, end) > limit) return std::nullopt;
      fewest[layer] = fewest[end] + 1;
    }
    return fewest;
  }

  /// Finds the smallest limit by bisection: one pass over the layers tells whether a limit suffices.
  void find_limit() {
    std::int64_t too_low = 0;
    limit_ = until_.back();
    while (limit_ - too_low > 1) {
      const std::int64_t middle = too_low + (limit_ - too_low) / 2;
      const auto fewest = fewest_pieces(middle);
      (fewest && fewest->front() <= pieces_ ? limit_ : too_low) = middle;
    }
    fewest_ = fewest_pieces(limit_).value();
  }

  /// The layer after the last one of a piece that starts at layer `first`.
  /// @param left number of pieces still to be cut, this one included
  [[nodiscard]] std::size_t end_of_piece(std::size_t first, std::size_t left) const {
    const double mean = static_cast<double>(cost(first, layers_)) / static_cast<double>(left);
    std::optional<std::size_t> best;
    double best_distance = 0.0;
    for (std::size_t end = first + 1; end + left - 1 <= layers_ && cost(first, end) <= limit_; ++end) {
      if (fewest_[end] > left - 1) continue;
      const double distance = std::abs(static_cast<double>(cost(first, end)) - mean);
      if (best && distance >= best_distance) continue;
      best = end;
      best_distance = distance;
    }
    return best.value();
  }

  std::size_t layers_;
  std::size_t pieces_;
  std::vector<std::int64_t> until_;  // prefix sums: cost of all layers before each one; the last has the head
  std::int64_t limit_ = 0;           // on the cost of a piece
  std::vector<std::size_t> fewest_;  // fewest_pieces(limit_)
};

std::vector<std::int64_t> split_by_cost(const ForwardCosts& costs, std::int64_t pieces) {
  const auto layers = static_cast<std::int64_t>(costs.layers.size());
  if (pieces == 1) return {layers};
  const Flops layer = costs.layers.front();
  const bool are_equal =
      std::all_of(costs.layers.begin(), costs.layers.end(), [&](Flops other) { return other == layer; });
  if (are_equal) return split_equal_layers(layers, pieces, costs.end.as_double() / layer.as_double());
  const std::span<const Flops> all(costs.layers);
  const auto count = static_cast<std::size_t>(pieces);
  const std::size_t last = CostSplit(all, count, costs.end).most_on_last();
  std::vector<std::int64_t> counts = CostSplit(all.first(all.size() - last), count - 1, Flops(0)).counts();
  counts.push_back(static_cast<std::int64_t>(last));
  return counts;
}

/// The counts that the job lists, per piece in model order. A count per stage is split evenly over its
/// chunks.
std::vector<std::int64_t> listed_counts(const ParallelismSpec& parallelism, PieceOrder order) {
  const auto stages = static_cast<std::size_t>(parallelism.pp);
  const auto chunks = static_cast<std::size_t>(parallelism.vp);
  const std::vector<std::int64_t>& listed = parallelism.stage_layers;
  if (listed.size() == stages * chunks) return listed;
  if (listed.size() != stages)
    throw std::invalid_argument(fmt::format("{} layer counts for {} stages of {} chunks", listed.size(),
                                            parallelism.pp, parallelism.vp));
  std::vector<std::int64_t> counts(stages * chunks);
  for (std::size_t piece = 0; piece < counts.size(); ++piece) {
    const auto [stage, chunk] = place_of(order, parallelism.pp, static_cast<std::int64_t>(piece));
    counts[piece] = split_evenly(listed[stage.at()], parallelism.vp)[chunk.at()];
  }
  return counts;
}

/// The cost of the most expensive stage: the sum over its pieces, and the head on the last one.
std::int64_t cost_of_slowest_stage(const ParallelismSpec& parallelism, PieceOrder order,
                                   const ForwardCosts& costs, const std::vector<std::int64_t>& counts) {
  std::vector<std::int64_t> of_stage(static_cast<std::size_t>(parallelism.pp));
  auto layer = costs.layers.begin();
  std::size_t stage = 0;
  for (std::size_t piece = 0; piece < counts.size(); ++piece) {
    stage = place_of(order, parallelism.pp, static_cast<std::int64_t>(piece)).stage.at();
    for (std::int64_t i = 0; i < counts[piece]; ++i) of_stage[stage] += (layer++)->value();
  }
  of_stage[stage] += costs.end.value();
  return *std::max_element(of_stage.begin(), of_stage.end());
}

/// Balanced pieces do not always relieve the slowest stage where a stage holds several of them. Then the even split is
/// kept: on the bundled Llama 3.1 405B job it is 2% faster than the other split with the same slowest stage.
std::vector<std::int64_t> split_stages_by_cost(const ParallelismSpec& parallelism, PieceOrder order,
                                               const ForwardCosts& costs) {
  const std::int64_t pieces = checked_product(parallelism.pp, parallelism.vp);
  std::vector<std::int64_t> by_cost = split_by_cost(costs, pieces);
  if (parallelism.vp == 1) return by_cost;
  std::vector<std::int64_t> even = split_evenly(static_cast<std::int64_t>(costs.layers.size()), pieces);
  const bool relieves = cost_of_slowest_stage(parallelism, order, costs, by_cost) <
                        cost_of_slowest_stage(parallelism, order, costs, even);
  return relieves ? by_cost : even;
}

std::vector<std::int64_t> piece_counts(const ParallelismSpec& parallelism, PieceOrder order,
                                       const ForwardCosts& costs) {
  const std::int64_t pieces = checked_product(parallelism.pp, parallelism.vp);
  const auto layers = static_cast<std::int64_t>(costs.layers.size());
  if (layers < pieces && parallelism.stage_policy != StagePolicy::listed) return {};
  switch (parallelism.stage_policy) {
    case StagePolicy::even: return split_evenly(layers, pieces);
    case StagePolicy::by_cost: return split_stages_by_cost(parallelism, order, costs);
    case StagePolicy::listed: break;
  }
  return listed_counts(parallelism, order);
}

}  // namespace

Placement stage_layout(const JobSpec& job, const ForwardCosts& costs) {
  const ParallelismSpec& parallelism = job.parallelism;
  const PieceOrder order = runs_in_v(job.training.schedule) ? PieceOrder::v_shape : PieceOrder::round_robin;
  const auto layers = static_cast<std::int64_t>(costs.layers.size());
  const std::vector<std::int64_t> counts = piece_counts(parallelism, order, costs);
  if (counts.empty() || std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) != layers)
    throw std::invalid_argument(fmt::format("{} layers do not make {} pieces", layers,
                                            checked_product(parallelism.pp, parallelism.vp)));
  std::optional<std::size_t> mtp_piece;
  if (costs.has_mtp) {
    const auto last = static_cast<std::int64_t>(counts.size()) - 1;
    mtp_piece = static_cast<std::size_t>(parallelism.mtp_place ? parallelism.mtp_place->piece : last);
  }
  return Placement::along(order, parallelism.pp, counts, mtp_piece);
}

}  // namespace foreshard
