#include "planner/spec/torchtitan/torchtitan_models.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace foreshard::detail {

namespace {

/// Source: pytorch/torchtitan, torchtitan/models/*/__init__.py of 2025.
constexpr auto kTitanModels = std::to_array<TitanModel>({
    {"llama3", "8B", "llama3-8b", 32},
    {"llama3", "70B", "llama3-70b", 80},
    {"llama3", "405B", "llama3.1-405b", 126},
    {"llama2", "7B", "llama2-7b", 32},
    {"llama2", "13B", "llama2-13b", 40},
    {"llama2", "70B", "llama2-70b", 80},
    {"deepseek_v3", "671B", "deepseek-v3", 61},
    {"qwen3", "8B", "qwen3-8b", 36},
    {"qwen3", "32B", "qwen3-32b", 64},
    {"qwen3", "30B-A3B", "qwen3-30b-a3b", 48},
    {"qwen3", "235B-A22B", "qwen3-235b-a22b", 94},
    {"gpt_oss", "120b", "gpt-oss-120b", 36},
});

struct NameAndFlavor {
  std::string name;
  std::string flavor;
};

NameAndFlavor named(const Translation& root) {
  const auto model = root.inside("model");
  if (!model) return {};
  return {model->text("name", ""), model->text("flavor", "")};
}

}  // namespace

std::span<const TitanModel> titan_models() { return kTitanModels; }

const TitanModel* titan_model(const Translation& root) {
  const NameAndFlavor said = named(root);
  const auto* const found = std::find_if(
      kTitanModels.begin(), kTitanModels.end(),
      [&](const TitanModel& model) { return model.name == said.name && model.flavor == said.flavor; });
  return found == kTitanModels.end() ? nullptr : found;
}

void say_titan_model(const Translation& root, LaunchJob& job) {
  const auto section = root.inside("model");
  if (!section)
    return root.refuse("model", "nothing says which model is trained", "[model] with name and flavor");
  const NameAndFlavor said = named(root);
  if (const TitanModel* const model = titan_model(root)) {
    const NodePtr place = section->value("name");
    return job.model.say("name", std::string(model->bundled), place->place);
  }
  std::vector<std::string> known;
  for (const TitanModel& model : kTitanModels)
    known.push_back(fmt::format("{} {}", model.name, model.flavor));
  section->refuse("name", fmt::format("the model {} {} is not known", said.name, said.flavor),
                  fmt::format("known: {}; another: --set model=FILE", fmt::join(known, ", ")));
}

}  // namespace foreshard::detail
