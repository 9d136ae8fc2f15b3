#include "planner/program/build/stage_layout.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <vector>

#include "planner/program/build/build_step_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

constexpr std::int64_t kLayerFlops = 640;

/// Equal layers, and a head whose cost is given in 64ths of a layer.
ForwardCosts equal_layers(std::int64_t layers, std::int64_t head_in_64ths) {
  return {.layers = std::vector<Flops>(static_cast<std::size_t>(layers), Flops(kLayerFlops)),
          .end = Flops(kLayerFlops / 64 * head_in_64ths)};
}

JobSpec stages_of(StagePolicy policy, std::int64_t pp, std::int64_t vp = 1) {
  JobSpec job;
  job.parallelism.pp = pp;
  job.parallelism.vp = vp;
  job.parallelism.stage_policy = policy;
  return job;
}

/// Counts of the pieces in model order; fails where the pieces are not consecutive.
std::vector<std::int64_t> counts_of(const Placement& placement) {
  std::vector<std::int64_t> counts;
  std::int64_t next = 0;
  for (const ModelPiece& piece : placement.pieces()) {
    CHECK(piece.layers.first.value() == next);
    counts.push_back(piece.layers.count);
    next += piece.layers.count;
  }
  return counts;
}

/// The layers of a stage's chunks.
std::vector<LayerRange> ranges_of(const Placement& placement, std::int32_t stage) {
  std::vector<LayerRange> ranges;
  for (std::size_t chunk = 0; chunk < placement.chunks(StageId(stage)); ++chunk)
    ranges.push_back(placement.piece(StageId(stage), ChunkId(chunk)).layers);
  return ranges;
}

std::vector<std::int64_t> even_counts(std::int64_t layers, std::int64_t pp) {
  return counts_of(stage_layout(stages_of(StagePolicy::even, pp), equal_layers(layers, 64)));
}

using Counts = std::vector<std::int64_t>;

/// The least possible cost of the slowest piece, over all splits of `layers` into `pieces`.
double least_slowest(std::int64_t layers, std::int64_t pieces, double head) {
  if (pieces == 1) return static_cast<double>(layers) + head;
  double least = std::numeric_limits<double>::infinity();
  for (std::int64_t first = 1; first <= layers - pieces + 1; ++first)
    least = std::min(least,
                     std::max(static_cast<double>(first), least_slowest(layers - first, pieces - 1, head)));
  return least;
}

}  // namespace

TEST_CASE("even stages; the remainder goes one each to the middle") {
  CHECK(even_counts(80, 4) == Counts{20, 20, 20, 20});
  CHECK(even_counts(6, 4) == Counts{1, 2, 2, 1});
  CHECK(even_counts(9, 4) == Counts{2, 3, 2, 2});  // one too many for the middle: the earlier of the two
  CHECK(even_counts(11, 4) == Counts{3, 3, 3, 2});
  CHECK(even_counts(5, 1) == Counts{5});
  // Llama 3.1 405B trains 126 layers on 16 stages with one layer less on the first and the last.
  Counts llama(16, 8);
  llama.front() = llama.back() = 7;
  CHECK(even_counts(126, 16) == llama);
}

TEST_CASE("chunk c of stage s is piece c·p + s") {
  // 6 layers in 4 pieces: 1, 2, 2, 1.
  const auto layout = stage_layout(stages_of(StagePolicy::even, 2, 2), equal_layers(6, 64));
  REQUIRE(layout.stages() == 2);
  CHECK(ranges_of(layout, 0) == std::vector<LayerRange>{{LayerId(0), 1}, {LayerId(3), 2}});
  CHECK(ranges_of(layout, 1) == std::vector<LayerRange>{{LayerId(1), 2}, {LayerId(5), 1}});
}

TEST_CASE("by cost: the last stage gives up layers for the head") {
  // The head of 128 words weighs two layers. 10 layers on 4 stages: 3, 3, 3 and 1 + 2.
  const auto by_cost = [](std::int64_t layers, std::int64_t vocab, std::int64_t pp) {
    return counts_of(stage_layout(stages_of(StagePolicy::by_cost, pp), equal_layers(layers, vocab)));
  };
  CHECK(by_cost(10, 128, 4) == Counts{3, 3, 3, 1});
  // A head of one layer: 3, 3, 3 and 2 + 1 of 11 layers.
  CHECK(by_cost(11, 64, 4) == Counts{3, 3, 3, 2});
  // A head heavier than everything else leaves the last stage one layer.
  CHECK(by_cost(8, 6400, 2) == Counts{7, 1});
  CHECK(by_cost(8, 64, 1) == Counts{8});
  // 10 layers, a head of 1/64: 1, 2 or 3 layers on the last stage all leave 3 as the slowest of the first
  // three or 3 + 1/64 as the last. The largest last stage whose slowest is 3 has 2.
  CHECK(by_cost(10, 1, 4) == Counts{3, 3, 2, 2});
}

TEST_CASE("by cost: what costs is what a layer's and the head's operations compute") {
  // A layer takes 512 FLOPs per token: projections 2·4·4·(2·1 + 2·1) = 128, attention core 4·8·1·4 = 128, FFN
  // 2·2·4·16 = 256. The head takes 2·4·V = 8·V of the padded vocabulary: 65 words pad to 2·64 = 128 with a
  // multiple of 64 on tp 2, two layers' worth. 10 layers: 3, 3, 3 and 1 + 2.
  JobSpec job;
  job.model = test::llama_shaped(10, 8, 32, 2, 2, 65);
  job.model.hidden = 8;
  job.model.head_dim = 4;
  job.model.ffn = FfnKind::gelu;
  job.model.ffn_hidden = 16;
  job.model.vocab_multiple = 64;
  job.parallelism = stages_of(StagePolicy::by_cost, 4).parallelism;
  job.parallelism.tp = 2;
  job.training.sequence_length = 8;
  job.training.global_batch = 4;
  job.training.micro_batch = 1;
  // Two heads of 4 and 8 hidden: projections 2·8·4·(2·2 + 2·2) = 512, core 4·8·2·4 = 256, FFN 2·2·8·16 = 512:
  // 1280; the head 2·8·128 = 2048 is 1.6 layers. 3, 3, 3 and 1 + 1.6 beat 3, 3, 2 and 2 + 1.6.
  CHECK(counts_of(placement_of(build_step_program(job))) == Counts{3, 3, 3, 1});
  // A head of 512 words is 6.4 layers: it wants the last stage for itself, which needs one layer.
  job.model.vocab = 512;
  CHECK(counts_of(placement_of(build_step_program(job))) == Counts{3, 3, 3, 1});
  // A head of 64: 128 padded, the same 1.6 layers; on two stages 6 | 4 + 1.6 is best.
  job.model.vocab = 64;
  job.parallelism.pp = 2;
  CHECK(counts_of(placement_of(build_step_program(job))) == Counts{6, 4});
}

namespace {

/// The cost of the slowest piece of a split.
std::int64_t slowest(const ForwardCosts& costs, const Counts& counts) {
  std::int64_t most = 0;
  std::size_t layer = 0;
  for (std::size_t piece = 0; piece < counts.size(); ++piece) {
    std::int64_t sum = piece + 1 == counts.size() ? costs.end.value() : 0;
    for (std::int64_t i = 0; i < counts[piece]; ++i) sum += costs.layers[layer++].value();
    most = std::max(most, sum);
  }
  return most;
}

/// The least possible cost of the slowest piece, over all splits of the layers from `first` on.
std::int64_t least_by_trying(const ForwardCosts& costs, std::size_t first, std::size_t pieces) {
  std::int64_t sum = 0;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (std::size_t end = first + 1; end + pieces - 1 <= costs.layers.size(); ++end) {
    sum += costs.layers[end - 1].value();
    if (pieces > 1) {
      least = std::min(least, std::max(sum, least_by_trying(costs, end, pieces - 1)));
    } else if (end == costs.layers.size()) {
      least = sum + costs.end.value();
    }
  }
  return least;
}

ForwardCosts costs_of(std::initializer_list<std::int64_t> layers, std::int64_t head) {
  ForwardCosts costs{.layers = {}, .end = Flops(head)};
  for (const std::int64_t layer : layers) costs.layers.emplace_back(layer);
  return costs;
}

}  // namespace

TEST_CASE("by cost, stages of several pieces stay even where their slowest stage is not relieved") {
  const JobSpec two_chunks = stages_of(StagePolicy::by_cost, 2, 2);
  // Ten layers of cost 2, a head of cost 1. Even pieces 2 3 3 2: stage 0 holds 2 + 3 layers, stage 1 holds 3 + 2 and the
  // head, which costs 11. Pieces balanced one by one, 3 3 2 2, give the slowest stage 3 + 2 layers and the head: 11 too.
  CHECK(counts_of(stage_layout(two_chunks, costs_of({2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, 1))) ==
        Counts{2, 3, 3, 2});
  // A head of cost 8: even pieces cost stage 1 5 · 2 + 8 = 18. Balanced: the last piece has one layer and the head, 10,
  // the others three each: stage 0 holds 6 layers, 12; stage 1 holds 4 layers and the head, 16.
  CHECK(counts_of(stage_layout(two_chunks, costs_of({2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, 8))) ==
        Counts{3, 3, 3, 1});
}

TEST_CASE("by cost: layers of different kinds") {
  const auto by_cost = [](const ForwardCosts& costs, std::int64_t pp) {
    return counts_of(stage_layout(stages_of(StagePolicy::by_cost, pp), costs));
  };
  // The example above the code: 1 1 | 4 1 | 1 1 1 and a head of 2, none above 5.
  CHECK(by_cost(costs_of({1, 1, 4, 1, 1, 1, 1}, 2), 3) == Counts{2, 2, 3});
  // Where one heavy layer sets the limit of 9, the last stage takes as many layers as are left over.
  CHECK(by_cost(costs_of({9, 1, 1, 1, 1, 1, 1}, 0), 3) == Counts{1, 1, 5});
  // A heavy head leaves the last stage one layer; the others share 3 1 | 3 1.
  CHECK(by_cost(costs_of({3, 1, 3, 1, 1}, 20), 3) == Counts{2, 2, 1});
}

TEST_CASE("by cost: no split of layers of different kinds has a faster slowest piece") {
  std::uint64_t state = 1;
  const auto draw = [&](std::uint64_t below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::int64_t>((state >> 33) % below);
  };
  for (int round = 0; round < 300; ++round) {
    ForwardCosts costs{.layers = {}, .end = Flops(draw(12))};
    const auto layers = static_cast<std::size_t>(2 + draw(8));
    for (std::size_t layer = 0; layer < layers; ++layer) costs.layers.emplace_back(1 + draw(6));
    const auto pieces = static_cast<std::int64_t>(1 + draw(layers));
    const Counts counts = counts_of(stage_layout(stages_of(StagePolicy::by_cost, pieces), costs));
    CAPTURE(round, layers, pieces);
    CHECK(slowest(costs, counts) == least_by_trying(costs, 0, static_cast<std::size_t>(pieces)));
  }
}

TEST_CASE("by cost: no split has a faster slowest piece") {
  for (const std::int64_t vocab : {1, 32, 64, 96, 128, 200, 1000}) {
    for (std::int64_t pp = 1; pp <= 5; ++pp) {
      for (std::int64_t layers = pp; layers <= 12; ++layers) {
        const double head = static_cast<double>(vocab) / 64.0;
        const Counts counts =
            counts_of(stage_layout(stages_of(StagePolicy::by_cost, pp), equal_layers(layers, vocab)));
        double slowest = static_cast<double>(counts.back()) + head;
        std::int64_t sum = 0;
        for (const std::int64_t count : counts) {
          slowest = std::max(slowest, static_cast<double>(count));
          sum += count;
        }
        CAPTURE(layers, pp, vocab);
        CHECK(sum == layers);
        CHECK(slowest == least_slowest(layers, pp, head));
      }
    }
  }
}

TEST_CASE("listed counts, per stage or per chunk") {
  JobSpec job = stages_of(StagePolicy::listed, 4);
  job.parallelism.stage_layers = {1, 4, 4, 3};
  CHECK(counts_of(stage_layout(job, equal_layers(12, 64))) == Counts{1, 4, 4, 3});

  job = stages_of(StagePolicy::listed, 2, 2);
  job.parallelism.stage_layers = {1, 4, 4, 3};  // pieces in model order
  CHECK(counts_of(stage_layout(job, equal_layers(12, 64))) == Counts{1, 4, 4, 3});

  // Per stage, split evenly over its chunks: stage 0 holds 3 = 2 + 1, stage 1 holds 5 = 3 + 2.
  job.parallelism.stage_layers = {3, 5};
  const auto layout = stage_layout(job, equal_layers(8, 64));
  CHECK(ranges_of(layout, 0) == std::vector<LayerRange>{{LayerId(0), 2}, {LayerId(5), 1}});
  CHECK(ranges_of(layout, 1) == std::vector<LayerRange>{{LayerId(2), 3}, {LayerId(6), 2}});
}

TEST_CASE("layouts that do not cover the model are refused") {
  JobSpec job = stages_of(StagePolicy::listed, 2);
  for (const Counts& listed : {Counts{4, 3}, Counts{8}, Counts{2, 3, 3}}) {
    job.parallelism.stage_layers = listed;
    CHECK_THROWS_AS(stage_layout(job, equal_layers(8, 64)), std::invalid_argument);
  }
  CHECK_THROWS_AS(stage_layout(stages_of(StagePolicy::even, 4), equal_layers(3, 64)), std::invalid_argument);
  CHECK_THROWS_AS(stage_layout(stages_of(StagePolicy::by_cost, 4), equal_layers(3, 64)),
                  std::invalid_argument);
}
