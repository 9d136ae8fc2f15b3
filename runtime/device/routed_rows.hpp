#pragma once

#include <cstdint>
#include <vector>

namespace foreshard {

/// Rows of one expert that stand together.
struct ExpertRun {
  std::int64_t expert = 0;  ///< among those of the rank
  std::int64_t first = 0;
  std::int64_t rows = 0;
};

/// The rows that a rank's experts work on, in runs: known when tokens have been routed. Behind them a buffer
/// may have room that nobody fills.
struct RoutedRows {
  std::vector<ExpertRun> runs{};
  std::int64_t total = 0;
};

}  // namespace foreshard
