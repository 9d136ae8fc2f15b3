#pragma once

#include <cstdint>
#include <vector>

namespace foreshard {

/// Contiguous rows that were routed to one expert.
struct ExpertRun {
  std::int64_t expert = 0;  ///< index among the experts of the rank
  std::int64_t first = 0;
  std::int64_t rows = 0;
};

/// The rows that a rank's experts process, as runs of contiguous rows. They are known only after routing. A
/// buffer may have more rows than `total`; the rest is unused.
struct RoutedRows {
  std::vector<ExpertRun> runs{};
  std::int64_t total = 0;
};

}  // namespace foreshard
