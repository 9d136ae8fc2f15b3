#include "sim/study/simulated_step.hpp"

namespace foreshard {
namespace {

SimulatedRank simulated_rank(const RankResult& result, Speed speed) {
  SimulatedRank rank{
      .stage = result.stage,
      .slowed_by = static_cast<double>(Speed::kFull) / static_cast<double>(speed.parts_per_million),
      .compute = result.compute.seconds(),
      .optimizer = result.optimizer.seconds(),
      .host = result.host.seconds(),
      .bubble = result.bubble.seconds(),
      .peak = result.peak};
  for (std::size_t axis = 0; axis < rank.exposed.size(); ++axis)
    rank.exposed[axis] = result.exposed[axis].seconds();
  return rank;
}

}  // namespace

SimulatedStep simulated_step(const SimulationResult& simulation, const Disturbance& disturbance) {
  SimulatedStep step;
  step.time = simulation.step_time.seconds();
  step.operations = simulation.tasks;
  for (std::size_t rank = 0; rank < simulation.ranks.size(); ++rank)
    step.ranks.push_back(simulated_rank(simulation.ranks[rank], disturbance.speed(Rank(rank))));
  for (const PathEntry& entry : simulation.path.entries)
    step.path.push_back({.component = entry.component,
                         .kind = entry.kind,
                         .phase = entry.phase,
                         .operations = entry.operations,
                         .time = entry.time.seconds()});
  return step;
}

std::vector<SimulatedLink> simulated_links(std::span<const LinkLoad> links) {
  std::vector<SimulatedLink> simulated;
  for (const LinkLoad& load : links)
    simulated.push_back({.link = load.link,
                         .name = to_string(load.link),
                         .alike = load.alike,
                         .bytes = load.bytes,
                         .busy = load.share});
  return simulated;
}

}  // namespace foreshard
