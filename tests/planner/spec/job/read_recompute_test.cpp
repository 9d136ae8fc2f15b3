// Keys of `training` that say what is recomputed, in which layers, and of which documents sequences are made.
#include "planner/spec/job/read_recompute.hpp"

#include <string>

#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

TrainingSpec training_with(const std::string& keys) {
  return parse_jobs(
             "model: llama3-8b\ncluster: dgx-h100\nparallelism: {pp: 2}\n"
             "training: {sequence_length: 8192, global_batch: 64, micro_batch: 1, " +
                 keys + "}\n",
             "job.yaml")
      .front()
      .training;
}

}  // namespace

TEST_CASE("recompute is a word or a list of modules") {
  CHECK(training_with("recompute: full").recompute == Recompute::full);
  const TrainingSpec listed = training_with("recompute: [mlp, layernorm]");
  CHECK(listed.recompute == Recompute::modules);
  CHECK(listed.recompute_modules == std::vector{RecomputeModule::layernorm, RecomputeModule::mlp});
  CHECK(recompute_text(listed) == "[layernorm, mlp]");
  CHECK(recompute_words(listed) == "layernorm, mlp");
  // The attention core alone is what Megatron-LM calls selective.
  CHECK(training_with("recompute: [core_attn]").recompute == Recompute::selective);
  CHECK(training_with("recompute: [core_attn]").recompute_modules.empty());
}

TEST_CASE("recompute_layers is a count, a share, every n-th, or a list") {
  const auto layers = [](const std::string& value) {
    return training_with("recompute: full, recompute_layers: " + value).recompute_layers;
  };
  CHECK(training_with("recompute: full").recompute_layers == RecomputeLayers{AllLayers{}});
  CHECK(layers("4") == RecomputeLayers{FirstLayers{4}});
  CHECK(layers("0.5") == RecomputeLayers{ShareOfLayers{0.5}});
  CHECK(layers("{share: 1}") == RecomputeLayers{ShareOfLayers{1.0}});
  CHECK(layers("{every: 2}") == RecomputeLayers{EveryNthLayer{2}});
  CHECK(layers("{first: 2}") == RecomputeLayers{FirstLayers{2}});
  CHECK(layers("[8, 0]") == RecomputeLayers{ListedLayers{{8, 0}}});
}

TEST_CASE("what is written is read as the same layers") {
  for (const RecomputeLayers& layers :
       {RecomputeLayers{FirstLayers{3}}, RecomputeLayers{ShareOfLayers{0.25}},
        RecomputeLayers{EveryNthLayer{4}}, RecomputeLayers{ListedLayers{{2, 1}}}}) {
    const std::string text = recompute_layers_text(layers);
    CAPTURE(text);
    CHECK(training_with("recompute: full, recompute_layers: " + text).recompute_layers == layers);
  }
}

TEST_CASE("documents are a length, lengths, or a distribution") {
  CHECK_FALSE(training_with("recompute: none").documents);
  CHECK(training_with("documents: 2048").documents == DocumentsSpec{.lengths = {2048.0}});
  CHECK(training_with("documents: [512, 4096]").documents == DocumentsSpec{.lengths = {512.0, 4096.0}});
  CHECK(training_with("documents: {mean: 2048}").documents == DocumentsSpec{.lengths = {2048.0}});
  CHECK(training_with("documents: {lengths: [512], packed: false}").documents ==
        DocumentsSpec{.lengths = {512.0}, .packed = false});
  CHECK(training_with("documents: {mean: 2048, sigma: 1.0}").documents->lengths.size() > 100);
}
