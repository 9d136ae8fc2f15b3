#include "planner/spec/load.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// $FORESHARD_CONFIGS for the length of a scope.
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
  for (const ConfigKind kind :
       {ConfigKind::models, ConfigKind::accelerators, ConfigKind::clusters, ConfigKind::jobs}) {
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

TEST_CASE("the environment says where the bundled configs are") {
  const Configs elsewhere("/nonexistent/configs");
  CHECK(configs_directory() == "/nonexistent/configs");
  CHECK(bundled_names(ConfigKind::models).empty());
  CHECK_THROWS_WITH(load_model("llama3-8b"),
                    ContainsSubstring("the bundled configs are not at /nonexistent/configs"));
}

TEST_CASE("without it they are those of the source tree") {
  const Configs unset("");
  CHECK(configs_directory() == std::string(FORESHARD_SOURCE_DIR) + "/configs");
}
