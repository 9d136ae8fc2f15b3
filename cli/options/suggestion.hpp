#pragma once

#include <string>
#include <vector>

namespace foreshard::cli {

/// "; did you mean 'plan'?", or nothing where no candidate is near.
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace foreshard::cli
