#include "runtime/execute/planned_routes.hpp"

#include <algorithm>
#include <cstdint>

namespace foreshard {
namespace {

/// The number of rows of every expert; they add up to `rows`.
std::vector<std::int64_t> planned_rows(const RoutedShape& shape, std::int64_t rows) {
  const std::int64_t own = shape.experts / shape.ep;
  std::vector<std::int64_t> planned(static_cast<std::size_t>(shape.experts), 0);
  std::int64_t first_other = 0;
  std::int64_t left = rows;
  if (shape.ep > 1) {
    const double mean = static_cast<double>(rows) / static_cast<double>(shape.experts);
    const std::int64_t each =
        std::min(static_cast<std::int64_t>(shape.imbalance * mean), rows / std::max(own, shape.per_token));
    first_other = shape.ep_rank * own;
    std::fill_n(planned.begin() + first_other, own, each);
    first_other += own;
    left -= own * each;
  }
  const std::int64_t others = shape.experts - (shape.ep > 1 ? own : 0);
  for (std::int64_t i = 0; i < others; ++i)
    planned[static_cast<std::size_t>((first_other + i) % shape.experts)] =
        left / others + (i < left % others ? 1 : 0);
  return planned;
}

}  // namespace

std::vector<double> planned_routes(const RoutedShape& shape) {
  const std::int64_t per_token = shape.per_token;
  const std::int64_t tokens = shape.tokens;
  std::vector<double> routes(static_cast<std::size_t>(2 * tokens * per_token),
                             1.0 / static_cast<double>(per_token));
  // Experts are assigned to the first choices of all tokens, then to the second choices, and so on. An expert
  // has at most as many rows as there are tokens, so its rows belong to different tokens.
  std::int64_t row = 0;
  const std::vector<std::int64_t> rows = planned_rows(shape, tokens * per_token);
  for (std::size_t expert = 0; expert < rows.size(); ++expert) {
    for (std::int64_t i = 0; i < rows[expert]; ++i, ++row)
      routes[static_cast<std::size_t>(row % tokens * 2 * per_token + row / tokens)] =
          static_cast<double>(expert);
  }
  return routes;
}

}  // namespace foreshard
