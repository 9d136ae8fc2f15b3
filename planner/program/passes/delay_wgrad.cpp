#include "planner/program/passes/delay_wgrad.hpp"

#include <algorithm>

namespace foreshard {
namespace {

bool is_exchange(const Op& op) {
  const auto* collective = std::get_if<Collective>(&op.kind);
  return collective != nullptr && collective->group == GroupKind::ep;
}

bool stays(const Op& op) { return op.phase != Phase::backward_weight || op.component != Component::experts; }

}  // namespace

void delay_weight_gradients(Block& backward) {
  const auto last = std::find_if(backward.ops.rbegin(), backward.ops.rend(), is_exchange);
  if (last == backward.ops.rend()) return;
  // From the first weight gradient on: what stays moves before it, and with it the exchange.
  std::stable_partition(backward.ops.begin(), last.base(), stays);
}

}  // namespace foreshard
