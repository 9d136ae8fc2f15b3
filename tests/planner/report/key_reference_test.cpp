#include "planner/report/key_reference.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"

using namespace foreshard;

TEST_CASE("the reference of keys has a section for every map, and says type, default and meaning") {
  const std::string text = key_reference();
  CHECK_THAT(text,
             ContainsSubstring("\n## A job\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n"
                               "| `name` | text |  | of the job; unsaid, the file's |\n"));
  CHECK_THAT(text, ContainsSubstring("| `tp` | whole number | `1` | tensor parallelism |\n"));
  CHECK_THAT(text, ContainsSubstring("| `dp` | whole number or `auto` | `auto` | "));
  CHECK_THAT(text, ContainsSubstring("| `global_batch` | whole number | **required** | "));
  CHECK_THAT(text, ContainsSubstring("| `optimizer` | `adamw`, `adam`, `sgd`, `adamw-8bit`, `adafactor`, "));
  CHECK_THAT(text, ContainsSubstring("| `targets` | list of `attention`, `ffn`, `q`, `k`, `v`, `o`, "));
  CHECK_THAT(text, ContainsSubstring("| `causal` | `true`, `false` | `true` | "));
  CHECK_THAT(text, ContainsSubstring("| `submit` | quantity | `0 us` | "));
  CHECK_THAT(text, ContainsSubstring("| `fits` | list of maps |  | "));
  CHECK_THAT(text,
             ContainsSubstring("\n## `cluster.accelerator.node.link`, `cluster.accelerator.node.network`\n"));
  CHECK(text.find("## `training`") < text.find("## `model`"));
}

TEST_CASE("the keys that --set takes come with their words") {
  const std::vector<JobKey> keys = job_keys_with_words();
  const auto words = [&](const std::string& path) {
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const JobKey& key) { return key.path == path; });
    REQUIRE(found != keys.end());
    return found->words;
  };
  CHECK(words("parallelism.tp").empty());
  CHECK(words("model").empty());
  CHECK(words("parallelism.dp") == std::vector<std::string>{"auto"});
  CHECK(words("parallelism.zero") == std::vector<std::string>{"0", "1", "2", "3"});
  CHECK(words("training.optimizer") ==
        std::vector<std::string>{"adamw", "adam", "sgd", "adamw-8bit", "adafactor", "lion", "muon"});
  CHECK(words("model.causal") == std::vector<std::string>{"true", "false"});
  CHECK(words("lora.targets") == std::vector<std::string>{});
  const bool has_maps =
      std::any_of(keys.begin(), keys.end(), [](const JobKey& key) { return key.path == "training"; });
  CHECK(!has_maps);
}
