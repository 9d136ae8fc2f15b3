#include "planner/score/splits.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace foreshard {
namespace {

struct Trait {
  const char* name;
  std::string (*value)(const CaseTraits&);
};

constexpr std::array<Trait, 5> kTraits{{
    {"experts", [](const CaseTraits& t) { return std::string(t.has_experts ? "experts" : "dense"); }},
    {"precision", [](const CaseTraits& t) { return t.precision; }},
    {"accelerator", [](const CaseTraits& t) { return t.accelerator; }},
    {"framework", [](const CaseTraits& t) { return t.framework; }},
    {"left out", [](const CaseTraits& t) { return std::string(t.leaves_out ? "something" : "nothing"); }},
}};

SplitScore score_split(const Trait& trait, const std::string& value, std::span<const ScoredCase> cases) {
  SplitScore split{.trait = trait.name, .value = value, .step = {}};
  std::vector<double> errors;
  double held = 0.0;
  for (const ScoredCase& scored : cases) {
    if (trait.value(scored.traits) != value) continue;
    errors.push_back(scored.error);
    if (scored.in_band()) held += 1.0;
  }
  split.step = error_statistics(errors);
  split.coverage = held / static_cast<double>(errors.size());
  return split;
}

}  // namespace

std::vector<SplitScore> split_cases(std::span<const ScoredCase> cases) {
  std::vector<SplitScore> splits;
  for (const Trait& trait : kTraits) {
    std::vector<std::string> values;
    for (const ScoredCase& scored : cases) {
      const std::string value = trait.value(scored.traits);
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    if (values.size() < 2) continue;
    for (const std::string& value : values) splits.push_back(score_split(trait, value, cases));
  }
  return splits;
}

}  // namespace foreshard
