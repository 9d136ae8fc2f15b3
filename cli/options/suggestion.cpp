#include "cli/options/suggestion.hpp"

#include <fmt/format.h>

#include "planner/spec/yaml/diagnostic.hpp"

namespace foreshard::cli {

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
  const auto near = nearest(word, candidates);
  return near ? fmt::format("; did you mean '{}'?", *near) : std::string{};
}

}  // namespace foreshard::cli
