#include <string>

#include "tests/planner/spec/hugging_face/hugging_face_support.hpp"

namespace foreshard::test {
namespace {

TEST_CASE("attention and FFN in parallel, with a norm for each of them or one for both") {
  const std::string neox =
      R"({"model_type": "gpt_neox", "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4,
 "num_hidden_layers": 2, "vocab_size": 256, "rotary_pct": 1.0)";
  const ModelSpec parallel = model_of_config(neox + "}");
  CHECK(parallel.parallel_residual);
  CHECK(parallel.norms_per_layer == 2);
  CHECK(parallel.left_out.empty());
  CHECK_FALSE(model_of_config(neox + R"(, "use_parallel_residual": false})").parallel_residual);
  const std::string falcon = R"({"model_type": "falcon", "hidden_size": 64, "num_attention_heads": 4,
 "num_hidden_layers": 2, "vocab_size": 256, "bias": false, "alibi": false, )";
  CHECK(
      model_of_config(falcon + R"("num_kv_heads": 2, "new_decoder_architecture": true})").parallel_residual);
  const ModelSpec small = model_of_config(falcon + R"("multi_query": true, "parallel_attn": true})");
  CHECK(small.parallel_residual);
  CHECK(small.norms_per_layer == 1);
}

}  // namespace
}  // namespace foreshard::test
