#include <set>
#include <vector>

#include "planner/program/build/build_step_program.hpp"
#include "runtime/shard/initial_weights.hpp"
#include "runtime/shard/random.hpp"
#include "runtime/shard/shard_map.hpp"
#include "runtime/shard/token_source.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

Tensor weight_of(std::vector<Dim> dims, std::vector<std::int64_t> sections = {}) {
  Tensor tensor;
  tensor.meaning = {ModelPart::attention, TensorItem::qkv, TensorAspect::weight};
  tensor.role = TensorRole::weight;
  tensor.dims = std::move(dims);
  tensor.sections = std::move(sections);
  return tensor;
}

TEST_CASE("each section of a fused weight is cut on its own") {
  // 4 rows of q, 2 of k, 2 of v over two ranks: rank 1 has the second halves, rows 2 3 | 5 | 7.
  const Tensor qkv = weight_of(
      {{.name = DimName::qkv, .size = 8, .tp = 2}, {.name = DimName::hidden, .size = 3}}, {4, 2, 2});
  const ShardMap map = shard_map(qkv, {.tp = 1});
  CHECK(map.rows == std::vector<std::int64_t>{2, 3, 5, 7});
  CHECK(map.columns == 3);
  // Row 2 of the shard is row 5 of the model: its element 1 is number 5·3 + 1.
  CHECK(map.model_index(2, 1) == 16);
}

TEST_CASE("a weight that is cut by columns keeps all rows") {
  const Tensor down =
      weight_of({{.name = DimName::hidden, .size = 2}, {.name = DimName::ffn, .size = 6, .tp = 3}});
  const ShardMap map = shard_map(down, {.tp = 2});
  CHECK(map.rows == std::vector<std::int64_t>{0, 1});
  // Columns 4 and 5 of six.
  CHECK(map.model_index(0, 0) == 4);
  CHECK(map.model_index(1, 1) == 11);
}

TEST_CASE("rows that fill the vocabulary up are padding, and start at zero") {
  Tensor table =
      weight_of({{.name = DimName::vocab, .size = 8, .tp = 2}, {.name = DimName::hidden, .size = 2}});
  table.padding = 3 * 2;  // the model has five tokens
  // Rank 1 has rows 4 … 7, of which the model has the first.
  const ShardMap map = shard_map(table, {.tp = 1});
  CHECK(map.rows == std::vector<std::int64_t>{4, ShardMap::kPadding, ShardMap::kPadding, ShardMap::kPadding});
  const std::vector<double> values = initial_weight(table, LayerId(0), {.tp = 1});
  CHECK(values[0] != 0.0);
  CHECK(std::vector<double>(values.begin() + 2, values.end()) == std::vector<double>(6, 0.0));
}

TEST_CASE("the shards of a weight together are the weight") {
  const Tensor whole =
      weight_of({{.name = DimName::qkv, .size = 8}, {.name = DimName::hidden, .size = 3}}, {4, 2, 2});
  const Tensor cut = weight_of(
      {{.name = DimName::qkv, .size = 8, .tp = 2}, {.name = DimName::hidden, .size = 3}}, {4, 2, 2});
  const std::vector<double> all = initial_weight(whole, LayerId(3), {.tp = 0});
  std::set<std::int64_t> seen;
  for (std::int64_t rank = 0; rank < 2; ++rank) {
    const std::vector<double> part = initial_weight(cut, LayerId(3), {.tp = rank});
    const ShardMap map = shard_map(cut, {.tp = rank});
    for (std::size_t i = 0; i < part.size(); ++i) {
      const std::int64_t at =
          map.model_index(static_cast<std::int64_t>(i) / 3, static_cast<std::int64_t>(i) % 3);
      CHECK(part[i] == all[static_cast<std::size_t>(at)]);
      seen.insert(at);
    }
  }
  CHECK(seen.size() == all.size());
}

TEST_CASE("layers and tensors differ") {
  Tensor weight = weight_of({{.name = DimName::hidden, .size = 4}, {.name = DimName::hidden, .size = 4}});
  const std::vector<double> first = initial_weight(weight, LayerId(0), {.tp = 0});
  CHECK(first != initial_weight(weight, LayerId(1), {.tp = 0}));
  weight.meaning = {ModelPart::attention, TensorItem::out, TensorAspect::weight};
  CHECK(first != initial_weight(weight, LayerId(0), {.tp = 0}));
}

TEST_CASE("noise is even in [-1, 1)") {
  double sum = 0.0;
  double squares = 0.0;
  constexpr int kCount = 100'000;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const double x = symmetric_uniform(stream_of("weight"), i);
    REQUIRE(x >= -1.0);
    REQUIRE(x < 1.0);
    sum += x;
    squares += x * x;
  }
  // Mean 0 ± 5 · √(1/3)/√n = ± 0.0091; mean square 1/3 ± 5 · √(4/45)/√n = ± 0.0047.
  CHECK(std::abs(sum / kCount) < 0.0091);
  CHECK(squares / kCount == Approx(1.0 / 3.0).margin(0.0047));
}

TEST_CASE("labels are the tokens that follow, and replicas see other sequences") {
  JobSpec job = sharded(tiny_job(false), {.dp = 2});
  const std::size_t tokens = 2 * 8;  // two sequences of eight
  std::vector<double> ids(tokens);
  std::vector<double> labels(tokens);
  const TokenSource source(build_step_program(job), {.dp = 1});
  source.ids(MicroBatch(0), ids);
  source.labels(MicroBatch(0), labels);
  for (std::size_t i = 0; i < tokens; ++i) {
    if (i % 8 < 7) CHECK(labels[i] == ids[i + 1]);
    CHECK(ids[i] >= 0.0);
    CHECK(ids[i] < 30.0);
  }
  // 16 sequences, 2 a micro-batch, 2 replicas: the second one's first micro-batch is the fifth of one
  // replica.
  std::vector<double> alone(tokens);
  TokenSource(build_step_program(sharded(tiny_job(false), {})), {}).ids(MicroBatch(4), alone);
  CHECK(alone == ids);
}

TEST_CASE("a text's characters are numbered in the order of their bytes, and their entropy is counted") {
  const TokenText text = tokens_of("abacabad");
  CHECK(text.alphabet == "abcd");
  CHECK(text.tokens == std::vector<std::uint8_t>{0, 1, 0, 2, 0, 1, 0, 3});
  // 4, 2, 1 and 1 of 8: ½·ln 2 + ¼·ln 4 + 2·⅛·ln 8 = 1.75·ln 2.
  CHECK(text.entropy() == Approx(1.75 * std::log(2.0)));
}

TEST_CASE("with a text, steps read other places of it, and all shardings the same") {
  std::string letters;
  for (int i = 0; i < 1000; ++i) letters.push_back(static_cast<char>('a' + (i * i + i / 7) % 26));
  const TokenText text = tokens_of(letters);
  const auto read = [&](const JobSpec& job, const Coordinates& at, std::int64_t step, int micro_batch) {
    TokenSource source(build_step_program(job), at);
    source.read(text);
    source.begin_step(step);
    std::vector<double> ids(16);
    std::vector<double> labels(16);
    source.ids(MicroBatch(micro_batch), ids);
    source.labels(MicroBatch(micro_batch), labels);
    for (std::size_t i = 0; i + 1 < 8; ++i) CHECK(labels[i] == ids[i + 1]);
    // What is read stands in the text, label and all.
    std::string sequence;
    for (std::size_t i = 0; i < 8; ++i) sequence.push_back(text.alphabet[static_cast<std::size_t>(ids[i])]);
    sequence.push_back(text.alphabet[static_cast<std::size_t>(labels[7])]);
    CHECK(letters.find(sequence) != std::string::npos);
    return ids;
  };
  const JobSpec whole = sharded(tiny_job(false), {});
  const JobSpec halves = sharded(tiny_job(false), {.dp = 2});
  CHECK(read(halves, {.dp = 1}, 3, 0) == read(whole, {}, 3, 4));
  CHECK(read(whole, {}, 3, 0) != read(whole, {}, 4, 0));
}

}  // namespace
}  // namespace foreshard::test
