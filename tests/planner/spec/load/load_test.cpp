#include "planner/spec/load/load.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// Sets $FORESHARD_CONFIGS for the duration of a scope.
class Configs {
 public:
  explicit Configs(const char* value) {
    if (const char* const old = std::getenv("FORESHARD_CONFIGS")) old_ = old;
    ::setenv("FORESHARD_CONFIGS", value, 1);
  }
  ~Configs() {
    if (old_.empty()) {
      ::unsetenv("FORESHARD_CONFIGS");
    } else {
      ::setenv("FORESHARD_CONFIGS", old_.c_str(), 1);
    }
  }

 private:
  std::string old_;
};

}  // namespace

TEST_CASE("bundled names are sorted, and each has its file") {
  for (const ConfigKind kind : {ConfigKind::models, ConfigKind::accelerators, ConfigKind::clusters,
                                ConfigKind::jobs, ConfigKind::measured}) {
    const std::vector<std::string> names = bundled_names(kind);
    REQUIRE_FALSE(names.empty());
    CHECK(std::is_sorted(names.begin(), names.end()));
    for (const std::string& name : names) CHECK(bundled_file(kind, name).stem() == name);
  }
}

TEST_CASE("an unknown name is answered with the nearest") {
  CHECK_THROWS_WITH(bundled_file(ConfigKind::clusters, "dgx-h10"),
                    "error: there is no cluster named 'dgx-h10'; did you mean 'dgx-h100'?\n");
  CHECK_THROWS_WITH(load_model("lama3-8b"),
                    ContainsSubstring("there is no model named 'lama3-8b'; did you mean 'llama3-8b'?"));
  CHECK_THROWS_AS(bundled_file(ConfigKind::models, "../models/llama3-8b"), SpecError);
  CHECK_THROWS_WITH(load_accelerator("./mine.yaml"), ContainsSubstring("there is no file './mine.yaml'"));
}

TEST_CASE("jobs to be scored must say what was measured") {
  const std::string job =
      "model: llama3-8b\n"
      "cluster: {name: dgx-h100, nodes: 1}\n"
      "training: {sequence_length: 8192, global_batch: 8, micro_batch: 1}\n";
  const auto load = [](const std::string& text, Purpose purpose) {
    return parse_jobs(text, "runs.yaml", {}, purpose);
  };
  CHECK(load(job, Purpose::plan).size() == 1);
  CHECK(load(job + "measured: {step_time: 3 s}\n", Purpose::score).size() == 1);
  // Memory or an outcome alone can be compared too.
  CHECK(load(job + "measured: {peak_memory: 60 GiB}\n", Purpose::score).size() == 1);
  CHECK(load(job + "measured: {outcome: oom}\n", Purpose::score).size() == 1);
  CHECK_THROWS_WITH(
      load(job + "---\n" + job, Purpose::score),
      "runs.yaml:1:1: error: measured.step_time: without it there is nothing to compare the plan with\n"
      "    1 | model: llama3-8b\n"
      "      | ^ the time of one step, as in measured: {step_time: 18.1 s}\n"
      "runs.yaml:5:1: error: measured.step_time: without it there is nothing to compare the plan with\n"
      "    5 | model: llama3-8b\n"
      "      | ^ the time of one step, as in measured: {step_time: 18.1 s}\n");
  // What cannot be read is complained of once.
  try {
    load(job + "measured: {step_time: soon}\n", Purpose::score);
    FAIL("'soon' was read as a time");
  } catch (const SpecError& error) {
    CHECK(error.diagnostics().size() == 1);
  }
  CHECK_THROWS_WITH(load("a word\n", Purpose::score), !ContainsSubstring("step_time"));
}

TEST_CASE("the environment says where the bundled configs are") {
  const Configs elsewhere("/nonexistent/configs");
  CHECK(configs_directory() == "/nonexistent/configs");
  const auto why = ContainsSubstring(
      "the bundled configs are not at /nonexistent/configs: there is no such directory; the environment "
      "variable FORESHARD_CONFIGS names it");
  CHECK_THROWS_WITH(bundled_names(ConfigKind::models), why);
  CHECK_THROWS_WITH(bundled_file(ConfigKind::jobs, "llama3-8b-8h100"), why);
  CHECK_THROWS_WITH(load_model("llama3-8b"), why);
}

TEST_CASE("a directory without configs is not taken for one") {
  const Configs elsewhere(FORESHARD_SOURCE_DIR "/docs");
  CHECK_THROWS_WITH(
      load_cluster("dgx-h100"),
      ContainsSubstring("/docs: it has none of the folders models, accelerators, clusters, jobs "
                        "and measured; the environment variable FORESHARD_CONFIGS names it"));
}

TEST_CASE("without it they are those of the source tree") {
  const Configs unset("");
  CHECK(configs_directory() == std::string(FORESHARD_SOURCE_DIR) + "/configs");
}
