#include "planner/cost/collectives/collective_time.hpp"

#include "planner/cost/collectives/token_exchange.hpp"

namespace foreshard {

Bytes ring_bytes_sent(CollectiveKind kind, Bytes payload, std::int64_t members) {
  // Each step sends S/n. An all-reduce is a reduce-scatter and an all-gather.
  const std::int64_t steps = (kind == CollectiveKind::all_reduce ? 2 : 1) * (members - 1);
  const Int128 sent = static_cast<Int128>(payload.value()) * steps;
  return Bytes(static_cast<std::int64_t>((sent + members - 1) / members));
}

CollectiveTimes::CollectiveTimes(const GroupLinks& links, Dispatcher dispatcher)
    : alone_(links.members <= 1), links_(links), dispatcher_(dispatcher) {
  if (alone_) return;
  for (std::size_t kind = 0; kind < kCollectiveKindCount; ++kind)
    costs_[kind] = algorithm_costs(static_cast<CollectiveKind>(kind), links);
  transfer_ = transfer_cost(links);
}

Seconds CollectiveTimes::time(CollectiveKind kind, Bytes payload) const {
  return alone_ ? Seconds() : costs(kind).fastest(payload).time(payload);
}

AlgorithmCost CollectiveTimes::cost(const Collective& collective) const {
  if (collective.copies) return token_exchange_cost(dispatcher_, *collective.copies, links_);
  return cost(collective.kind, collective.payload);
}

Seconds CollectiveTimes::transfer(Bytes payload) const {
  return alone_ ? Seconds() : transfer_.time(payload);
}

CollectiveChoice CollectiveTimes::choice(CollectiveKind kind, Bytes payload) const {
  return alone_ ? CollectiveChoice{} : costs(kind).fastest(payload).choice;
}

}  // namespace foreshard
