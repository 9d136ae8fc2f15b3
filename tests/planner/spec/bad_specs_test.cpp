// Checks that every broken input of tests/bad_specs gives its exact message. NAME.yaml is read as a job;
// NAME.expected holds the complete message. An expectation without an input tests a file that does not exist.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

const std::filesystem::path kFolder = std::filesystem::path(FORESHARD_SOURCE_DIR) / "tests" / "bad_specs";

std::vector<std::string> names_with(const std::string& extension) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == extension) names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string complaints_about(const std::string& file) {
  try {
    load_jobs(file);
  } catch (const SpecError& error) {
    return format_diagnostics(error.diagnostics());
  }
  return "nothing is wrong with it\n";
}

}  // namespace

TEST_CASE("every broken input has its expected message") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    INFO(entry.path().filename().string());
    const std::string extension = entry.path().extension().string();
    CHECK((extension == ".yaml" || extension == ".expected"));
    ++files;
  }
  const std::vector<std::string> expected = names_with(".expected");
  const std::vector<std::string> inputs = names_with(".yaml");
  CHECK(files == expected.size() + inputs.size());
  for (const std::string& name : inputs) {
    INFO(name);
    CHECK(std::binary_search(expected.begin(), expected.end(), name));
  }
  CHECK(expected.size() >= 30);
}

TEST_CASE("broken inputs get exactly their message") {
  std::filesystem::current_path(kFolder);  // messages name the file as the user did
  for (const std::string& name : names_with(".expected")) {
    INFO(name);
    std::ifstream stream(name + ".expected", std::ios::binary);
    const std::string expected{std::istreambuf_iterator<char>(stream), {}};
    REQUIRE_FALSE(expected.empty());
    CHECK(complaints_about(name + ".yaml") == expected);
  }
}
