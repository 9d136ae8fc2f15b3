#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "planner/spec/load/load.hpp"

namespace foreshard::cli {

/// The kinds of bundled configs as the command line names them.
inline constexpr std::array<std::pair<ConfigKind, std::string_view>, 5> kKinds = {
    {{ConfigKind::models, "models"},
     {ConfigKind::accelerators, "accelerators"},
     {ConfigKind::clusters, "clusters"},
     {ConfigKind::jobs, "jobs"},
     {ConfigKind::measured, "measured"}}};

inline std::vector<std::string> kind_words() {
  std::vector<std::string> words;
  for (const auto& [kind, word] : kKinds) words.emplace_back(word);
  return words;
}

}  // namespace foreshard::cli
