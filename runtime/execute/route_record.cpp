#include "runtime/execute/route_record.hpp"

#include <algorithm>
#include <cmath>

namespace foreshard {

bool reroute(double* route, const double* experts, std::int64_t per_token, const double* logits) {
  if (std::is_permutation(route, route + per_token, experts)) return false;
  double* weights = route + per_token;
  const auto logit = [&](std::int64_t choice) { return logits[static_cast<std::int64_t>(experts[choice])]; };
  double largest = logit(0);
  for (std::int64_t i = 1; i < per_token; ++i) largest = std::max(largest, logit(i));
  double sum = 0.0;
  for (std::int64_t i = 0; i < per_token; ++i) {
    route[i] = experts[i];
    weights[i] = std::exp(logit(i) - largest);
    sum += weights[i];
  }
  for (std::int64_t i = 0; i < per_token; ++i) weights[i] /= sum;
  return true;
}

}  // namespace foreshard
