#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "planner/cost/step/model_figures.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/spec/hugging_face/hugging_face_config.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

const std::filesystem::path kConfigs =
    std::filesystem::path(FORESHARD_SOURCE_DIR) / "tests/data/hugging_face";

ModelSpec model_of(const std::string& name) { return load_model((kConfigs / (name + ".json")).string()); }

JobSpec job_of(const ModelSpec& model) {
  JobSpec job;
  job.model = model;
  job.training.sequence_length = 128;
  job.training.global_batch = 1;
  job.training.micro_batch = 1;
  return job;
}

std::int64_t counted(const ModelSpec& model) {
  const JobSpec job = job_of(model);
  return count_parameters(job, build_step_program(job)).total.value();
}

/// The complaints about a config.json with this text.
std::string complaints_of(const std::string& text) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / "foreshard_hugging_face_test.json";
  std::ofstream(file) << text;
  std::string found;
  try {
    load_model(file.string());
  } catch (const SpecError& error) {
    for (const Diagnostic& each : error.diagnostics())
      found += std::to_string(each.mark.line) + ":" + std::to_string(each.mark.column) + " " + each.path +
               ": " + each.message + "; " + each.allowed + "\n";
  }
  std::filesystem::remove(file);
  return found;
}

/// V·D for embedding and head, and the last norm.
constexpr std::int64_t tables(std::int64_t vocab, std::int64_t hidden) { return 2 * vocab * hidden + hidden; }

}  // namespace

TEST_CASE("a Hugging Face config has the parameters of the published checkpoint") {
  struct Case {
    const char* name;
    std::int64_t by_hand;
    std::int64_t published;
  };
  // D hidden, F FFN, q = heads·d, g = kv heads·d:  layer = attention 2·D·(q + g) + FFN 3·D·F + norms.
  const std::vector<Case> cases{
      {"llama-3-8b", tables(128256, 4096) + 32 * (2LL * 4096 * (4096 + 1024) + 3LL * 4096 * 14336 + 2 * 4096),
       8030261248},
      {"mistral-7b", tables(32000, 4096) + 32 * (2LL * 4096 * (4096 + 1024) + 3LL * 4096 * 14336 + 2 * 4096),
       7241732096},
      // 8 experts in each layer, and a router.
      {"mixtral-8x7b",
       tables(32000, 4096) + 32 * (2LL * 4096 * (4096 + 1024) + 8 * 3LL * 4096 * 14336 + 8 * 4096 + 2 * 4096),
       46702792704},
      // Biases of q, k and v.
      {"qwen2.5-7b",
       tables(152064, 3584) +
           28 * (2LL * 3584 * (3584 + 512) + (3584 + 2 * 512) + 3LL * 3584 * 18944 + 2 * 3584),
       7615616512},
      // Norms of q and k over each head of 128.
      {"qwen3-8b",
       tables(151936, 4096) + 36 * (2LL * 4096 * (4096 + 1024) + 2 * 128 + 3LL * 4096 * 12288 + 2 * 4096),
       8190735360},
      {"qwen3-30b-a3b",
       tables(151936, 2048) +
           48 * (2LL * 2048 * (4096 + 512) + 2 * 128 + 128 * 3LL * 2048 * 768 + 128 * 2048 + 2 * 2048),
       30532122624},
      // One table, four norms; 16 heads of 256 are wider than D.
      {"gemma-2-9b",
       256000LL * 3584 + 3584 + 42 * (2LL * 3584 * (4096 + 2048) + 3LL * 3584 * 14336 + 4 * 3584),
       9241705984},
      // One table, 1,024 positions, layernorms and biases: 4·D² + 4·D, 8·D² + 5·D, 4·D.
      {"gpt2-xl", 50257LL * 1600 + 1024 * 1600 + 2 * 1600 + 48 * (12LL * 1600 * 1600 + 13 * 1600),
       1557611200},
      {"gpt-neox-20b", 2LL * 50432 * 6144 + 2 * 6144 + 44 * (12LL * 6144 * 6144 + 13 * 6144), 20554567680},
      {"phi-3-mini-4k", tables(32064, 3072) + 32 * (4LL * 3072 * 3072 + 3LL * 3072 * 8192 + 2 * 3072),
       3821079552},
      // Norms of q and k over all heads at once.
      {"olmo-2-7b",
       tables(100352, 4096) + 32 * (4LL * 4096 * 4096 + 2 * 4096 + 3LL * 4096 * 11008 + 2 * 4096),
       7298617344},
      // Latent attention: q D·A·192 (or through a rank with a norm), kv D·576 + 512 + 512·A·256, output
      // A·128·D. The first layers are dense; the others have routed experts, shared ones and a router.
      {"deepseek-v2-lite",
       tables(102400, 2048) +
           27 * (2048LL * 16 * 192 + 2048 * 576 + 512 + 512LL * 16 * 256 + 16LL * 128 * 2048 + 2 * 2048) +
           3LL * 2048 * 10944 + 26 * (66 * 3LL * 2048 * 1408 + 64 * 2048),
       15706484224},
      {"deepseek-v2",
       tables(102400, 5120) +
           60 * (5120LL * 1536 + 1536 + 1536LL * 128 * 192 + 5120 * 576 + 512 + 512LL * 128 * 256 +
                 128LL * 128 * 5120 + 2 * 5120) +
           3LL * 5120 * 12288 + 59 * (162 * 3LL * 5120 * 1536 + 160 * 5120),
       235741434880},
      // And one number per expert that steers its router.
      // Its module that predicts the token after the next is one more layer, three norms and a projection.
      {"deepseek-v3",
       tables(129280, 7168) +
           62 * (7168LL * 1536 + 1536 + 1536LL * 128 * 192 + 7168 * 576 + 512 + 512LL * 128 * 256 +
                 128LL * 128 * 7168 + 2 * 7168) +
           3 * 3LL * 7168 * 18432 + 59 * (257 * 3LL * 7168 * 2048 + 256 * 7168 + 256) + 2LL * 7168 * 7168 +
           3 * 7168,
       671026419200 + 11610068224},
      // Biases everywhere, experts and router included, and a sink for each of 64 heads.
      {"gpt-oss-20b",
       tables(201088, 2880) + 24 * (2LL * 2880 * (4096 + 512) + 4096 + 2 * 512 + 2880 + 64 +
                                    32 * (3LL * 2880 * 2880 + 3 * 2880) + 32 * 2880 + 32 + 2 * 2880),
       20914757184},
      {"gpt-oss-120b",
       tables(201088, 2880) + 36 * (2LL * 2880 * (4096 + 512) + 4096 + 2 * 512 + 2880 + 64 +
                                    128 * (3LL * 2880 * 2880 + 3 * 2880) + 128 * 2880 + 128 + 2 * 2880),
       116829156672},
  };
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kConfigs)) {
    if (entry.path().extension() == ".json") ++files;
  }
  CHECK(files == cases.size());
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(c.by_hand == c.published);
    CHECK(counted(model_of(c.name)) == c.published);
  }
}

TEST_CASE("the program of every architecture is sound") {
  for (const auto& entry : std::filesystem::directory_iterator(kConfigs)) {
    if (entry.path().extension() != ".json") continue;
    INFO(entry.path().string());
    CHECK(check_program(build_step_program(job_of(load_model(entry.path().string())))) ==
          std::vector<std::string>{});
  }
}

TEST_CASE("what a config leaves unsaid is what its architecture does") {
  CHECK(model_of("mistral-7b").window == 4096);
  CHECK_FALSE(model_of("qwen2.5-7b").window.has_value());
  CHECK(model_of("gemma-2-9b").tied_embeddings);
  CHECK(model_of("gemma-2-9b").ffn == FfnKind::geglu);
  CHECK(model_of("gpt2-xl").max_positions == 1024);
  CHECK(model_of("gpt2-xl").name == "gpt2-xl");
  CHECK(model_of("deepseek-v2-lite").mla->q_rank == 0);
  CHECK(model_of("deepseek-v2-lite").head_dim == 192);
}

TEST_CASE("windows in some layers become kinds of layers") {
  const auto windows = [](const ModelSpec& model) {
    std::vector<std::int64_t> by_layer;
    const LayerPattern pattern = layer_pattern(model, 1'000'000);
    for (std::int64_t layer = 0; layer < model.layers; ++layer)
      by_layer.push_back(window_of(pattern.kind(layer).mixer).value_or(0));
    return by_layer;
  };
  const auto alternating = [](std::size_t layers, std::int64_t window) {
    std::vector<std::int64_t> by_layer(layers, 0);
    for (std::size_t layer = 0; layer < layers; layer += 2) by_layer[layer] = window;
    return by_layer;
  };
  // Without "layer_types": gpt-oss and Gemma 2 alternate, from a windowed layer on.
  CHECK(windows(model_of("gpt-oss-20b")) == alternating(24, 128));
  CHECK(windows(model_of("gpt-oss-120b")) == alternating(36, 128));
  CHECK(windows(model_of("gemma-2-9b")) == alternating(42, 4096));
  // Its shortest period is its pattern, so that a model with fewer layers can be asked for.
  CHECK(model_of("gpt-oss-20b").pattern == std::vector<std::size_t>{0, 1});

  const std::string llama = R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
 "num_attention_heads": 32, "vocab_size": 128256, "num_hidden_layers": 3, "sliding_window": 512,)";
  const auto loaded = [](const std::string& text) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / "foreshard_hugging_face_windows.json";
    std::ofstream(file) << text;
    ModelSpec model = load_model(file.string());
    std::filesystem::remove(file);
    return model;
  };
  const std::string sliding = "\"sliding_attention\"";
  const std::string full = "\"full_attention\"";
  const auto with_types = [&](const std::string& types) {
    return llama + "\"layer_types\": [" + types + "]}";
  };
  using Windows = std::vector<std::int64_t>;
  CHECK(windows(loaded(with_types(full + "," + sliding + "," + sliding))) == Windows{0, 512, 512});
  CHECK(windows(loaded(with_types(full + "," + full + "," + full))) == Windows{0, 0, 0});
  CHECK(loaded(with_types(sliding + "," + sliding + "," + sliding)).window == 512);
  CHECK_THAT(complaints_of(with_types(full + "," + full)), ContainsSubstring("2 types for 3 layers"));
  CHECK_THAT(complaints_of(with_types(full + ", \"linear_attention\"," + full)),
             ContainsSubstring("unknown layer type 'linear_attention'; known: full_attention, "
                               "sliding_attention"));

  // Qwen 2: from max_window_layers on, if use_sliding_window says so.
  const std::string qwen = R"({"model_type": "qwen2", "hidden_size": 64, "intermediate_size": 128,
 "num_attention_heads": 4, "vocab_size": 128, "num_hidden_layers": 3, "sliding_window": 16,
 "max_window_layers": 1, "use_sliding_window": )";
  CHECK(windows(loaded(qwen + "true}")) == Windows{0, 16, 16});
  CHECK(windows(loaded(qwen + "false}")) == Windows{0, 0, 0});
}

TEST_CASE("a job takes a config.json by its path, and its keys can be overridden as a model's") {
  const std::string text =
      "model: " + (kConfigs / "llama-3-8b.json").string() +
      "\ncluster: dgx-h100\ntraining: {sequence_length: 8192, global_batch: 8, micro_batch: 1}\n";
  CHECK(parse_jobs(text, "job").front().model.heads == 32);
  CHECK(parse_jobs(text, "job", {{"model.ffn_hidden", "8192"}}).front().model.ffn_hidden == 8192);
}

TEST_CASE("a broken config.json is refused with the place and the reason") {
  const std::string unknown = complaints_of(R"({"architectures": ["LamaForCausalLM"]})");
  CHECK_THAT(unknown,
             ContainsSubstring("1:20 architectures: unknown architecture 'LamaForCausalLM'; did you mean "
                               "'LlamaForCausalLM'?"));
  for (const std::string& known : hugging_face_architectures()) CHECK_THAT(unknown, ContainsSubstring(known));
  CHECK(hugging_face_architectures().size() >= 80);

  CHECK_THAT(complaints_of("{}"), ContainsSubstring("neither 'architectures' nor 'model_type'"));
  CHECK_THAT(complaints_of("[1, 2]"), ContainsSubstring("expected a Hugging Face config, found a list"));
  // Nothing follows the comma in line 2.
  CHECK_THAT(complaints_of("{\n  \"model_type\": \"llama\",\n}"),
             ContainsSubstring("3:1 : this is not JSON"));
  CHECK_THAT(complaints_of("{\"model_type\": 'llama'}"), ContainsSubstring("this is not JSON"));
  CHECK_THAT(complaints_of("{\"model_type\": \"llama\", \"model_type\": \"gpt2\"}"),
             ContainsSubstring("the key 'model_type' is given twice"));
  CHECK_THAT(complaints_of("{\"model_type\": \"llama\"}"),
             ContainsSubstring("the key 'num_hidden_layers' is missing"));
  const std::string llama = R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
 "num_attention_heads": 32, "vocab_size": 128256, "num_hidden_layers": )";
  CHECK(complaints_of(llama + "32}").empty());
  // In line 2, 71 characters stand before the value.
  CHECK_THAT(complaints_of(llama + "\"32\"}"), ContainsSubstring("2:72 num_hidden_layers: "));
  CHECK_THAT(complaints_of(llama + "-1}"), ContainsSubstring("2:72 num_hidden_layers: "));
  CHECK_THAT(complaints_of(llama + "32, \"hidden_act\": \"elu\"}"), ContainsSubstring("this activation"));
  CHECK_THAT(complaints_of(llama + "32, \"mlp_bias\": true}"), ContainsSubstring("biases of the FFN alone"));
}
