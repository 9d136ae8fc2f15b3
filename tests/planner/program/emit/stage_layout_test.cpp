#include "planner/program/emit/stage_layout.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

constexpr std::int64_t kSequence = 8;

/// A layer of this model takes 512 FLOPs per token: projections 2·4·4·(2·1 + 2·1) = 128, attention core
/// 4·8·1·4 = 128, FFN 2·2·4·16 = 256. The head takes 2·4·vocab = 8·vocab: one layer's worth per 64 words.
ModelSpec model_of(std::int64_t layers, std::int64_t vocab) {
  ModelSpec model;
  model.layers = layers;
  model.hidden = 4;
  model.ffn_hidden = 16;
  model.ffn = FfnKind::gelu;
  model.heads = 1;
  model.kv_heads = 1;
  model.head_dim = 4;
  model.vocab = vocab;
  model.vocab_multiple = 1;
  return model;
}

ParallelismSpec stages_of(StagePolicy policy, std::int64_t pp, std::int64_t vp = 1) {
  ParallelismSpec parallelism;
  parallelism.pp = pp;
  parallelism.vp = vp;
  parallelism.stage_policy = policy;
  return parallelism;
}

/// Counts of the pieces in model order; fails where the pieces are not consecutive.
std::vector<std::int64_t> counts_of(const std::vector<std::vector<LayerRange>>& layout) {
  std::vector<std::int64_t> counts;
  std::int64_t next = 0;
  for (std::size_t chunk = 0; chunk < layout.front().size(); ++chunk) {
    for (const std::vector<LayerRange>& stage : layout) {
      CHECK(stage[chunk].first.value() == next);
      counts.push_back(stage[chunk].count);
      next += stage[chunk].count;
    }
  }
  return counts;
}

std::vector<std::int64_t> even_counts(std::int64_t layers, std::int64_t pp) {
  return counts_of(stage_layout(model_of(layers, 64), stages_of(StagePolicy::even, pp), kSequence));
}

using Counts = std::vector<std::int64_t>;

/// The least possible cost of the slowest piece, over all ways to cut `layers` into `pieces`.
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
  const auto layout = stage_layout(model_of(6, 64), stages_of(StagePolicy::even, 2, 2), kSequence);
  REQUIRE(layout.size() == 2);
  CHECK(layout[0] == std::vector<LayerRange>{{LayerId(0), 1}, {LayerId(3), 2}});
  CHECK(layout[1] == std::vector<LayerRange>{{LayerId(1), 2}, {LayerId(5), 1}});
}

TEST_CASE("by cost: the last stage gives up layers for the head") {
  // The head of 128 words weighs two layers. 10 layers on 4 stages: 3, 3, 3 and 1 + 2.
  const auto by_cost = [](std::int64_t layers, std::int64_t vocab, std::int64_t pp) {
    return counts_of(stage_layout(model_of(layers, vocab), stages_of(StagePolicy::by_cost, pp), kSequence));
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

TEST_CASE("by cost counts the vocabulary as it is computed, padded") {
  // 65 words pad to 2·64 = 128 with a multiple of 64 on tp 2: two layers' worth.
  ModelSpec model = model_of(10, 65);
  model.vocab_multiple = 64;
  ParallelismSpec parallelism = stages_of(StagePolicy::by_cost, 4);
  parallelism.tp = 2;
  CHECK(counts_of(stage_layout(model, parallelism, kSequence)) == Counts{3, 3, 3, 1});
}

TEST_CASE("by cost: no split has a faster slowest piece") {
  for (const std::int64_t vocab : {1, 32, 64, 96, 128, 200, 1000}) {
    for (std::int64_t pp = 1; pp <= 5; ++pp) {
      for (std::int64_t layers = pp; layers <= 12; ++layers) {
        const double head = static_cast<double>(vocab) / 64.0;
        const Counts counts =
            counts_of(stage_layout(model_of(layers, vocab), stages_of(StagePolicy::by_cost, pp), kSequence));
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
  ParallelismSpec parallelism = stages_of(StagePolicy::listed, 4);
  parallelism.stage_layers = {1, 4, 4, 3};
  CHECK(counts_of(stage_layout(model_of(12, 64), parallelism, kSequence)) == Counts{1, 4, 4, 3});

  parallelism = stages_of(StagePolicy::listed, 2, 2);
  parallelism.stage_layers = {1, 4, 4, 3};  // pieces in model order
  CHECK(counts_of(stage_layout(model_of(12, 64), parallelism, kSequence)) == Counts{1, 4, 4, 3});

  // Per stage, split evenly over its chunks: stage 0 holds 3 = 2 + 1, stage 1 holds 5 = 3 + 2.
  parallelism.stage_layers = {3, 5};
  const auto layout = stage_layout(model_of(8, 64), parallelism, kSequence);
  CHECK(layout[0] == std::vector<LayerRange>{{LayerId(0), 2}, {LayerId(5), 1}});
  CHECK(layout[1] == std::vector<LayerRange>{{LayerId(2), 3}, {LayerId(6), 2}});
}

TEST_CASE("layouts that do not cover the model are refused") {
  ParallelismSpec parallelism = stages_of(StagePolicy::listed, 2);
  for (const Counts& listed : {Counts{4, 3}, Counts{8, 0}, Counts{8}, Counts{2, 3, 3}}) {
    parallelism.stage_layers = listed;
    CHECK_THROWS_AS(stage_layout(model_of(8, 64), parallelism, kSequence), std::invalid_argument);
  }
  CHECK_THROWS_AS(stage_layout(model_of(3, 64), stages_of(StagePolicy::even, 4), kSequence),
                  std::invalid_argument);
  CHECK_THROWS_AS(stage_layout(model_of(3, 64), stages_of(StagePolicy::by_cost, 4), kSequence),
                  std::invalid_argument);
}
