#include "sim/network/play_on_network.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "sim/network/flow_network.hpp"
#include "sim/network/job_flows.hpp"
#include "sim/step/program_plan.hpp"
#include "sim/step/rank_layout.hpp"
#include "sim/step/step_simulation.hpp"
#include "sim/step/task_label.hpp"

namespace foreshard {

namespace {

/// One job that is being simulated, step after step.
class Player : public CommunicationClock {
 public:
  Player(const NetworkJob& job, std::uint32_t number, const Fabric& fabric)
      : job_(job),
        number_(number),
        plan_(plan_program(job.program, price_operations(job.program, CostModel(job.job)))),
        flows_(job.job, job.program, plan_, job.devices, fabric) {}

  [[nodiscard]] JobFlows& flows() { return flows_; }
  /// Chooses the ranks to simulate. Where every rank is simulated and no timeline is wanted, only totals are
  /// kept.
  void lay_out(bool folded) {
    options_ = job_.options;
    options_.every_rank = !folded;
    options_.totals_only |= !folded && job_.timeline == nullptr;
    layout_ = folded ? one_rank_per_stage(job_.program, plan_) : every_rank(job_.program, plan_);
  }

  /// Begins a step.
  void begin(FlowNetwork& network, SimTime now) {
    network_ = &network;
    began_ = now;
    TimelineSink* timeline = first_ || job_.timeline == nullptr ? &nothing_ : job_.timeline;
    step_ = std::make_unique<StepSimulation>(job_.program, plan_, layout_, *timeline, options_, this);
    step_->start();
  }
  [[nodiscard]] std::optional<SimTime> next_time() const {
    const auto next = step_->next_time();
    return next ? std::optional(began_ + *next) : std::nullopt;
  }
  void advance() { step_->advance(); }
  void finish(std::uint32_t lane, SimTime now) { step_->finish(LaneId(std::size_t{lane}), now - began_); }

  /// True if a step has just ended. Keeps the result of the first step.
  bool ends_step() {
    if (!step_->is_done()) return false;
    if (!first_) first_ = step_->result();
    return true;
  }
  [[nodiscard]] bool has_result() const { return first_.has_value(); }
  /// @throws Deadlock where the step cannot be run to its end
  SimulationResult result() { return first_ ? std::move(*first_) : step_->result(); }

 private:
  SimTime on_communication(LaneId lane, const Task& task) override {
    const std::uint32_t op = TaskLabel::unpacked(task.label).op;
    if (!flows_.moves_bytes(op)) return task.duration;
    if (auto set = flows_.flows(rank_of(lane), op)) {
      set->tag = std::uint64_t{number_} << 32U | static_cast<std::uint32_t>(lane.at());
      network_->start(*set, now());
    }
    return kOpenEnd;
  }
  [[nodiscard]] SimTime now() const { return began_ + step_->now(); }

  const NetworkJob& job_;
  std::uint32_t number_;
  ProgramPlan plan_;
  JobFlows flows_;
  SimulationOptions options_;
  RankLayout layout_;
  NoTimeline nothing_;
  FlowNetwork* network_ = nullptr;
  std::unique_ptr<StepSimulation> step_;
  SimTime began_;
  std::optional<SimulationResult> first_;
};

/// Folds the flows of all jobs together, or of none.
std::optional<std::vector<std::uint32_t>> fold_all(std::vector<Player>& players, const Fabric& fabric) {
  std::vector<GroupFlows> groups;
  std::uint32_t kinds = 0;
  for (Player& player : players) {
    for (GroupFlows group : player.flows().groups()) {
      group.kind += kinds;
      groups.push_back(std::move(group));
    }
    kinds += player.flows().kinds();
  }
  auto folded = fold(groups, fabric.capacities());
  if (!folded) return std::nullopt;
  folded->patterns.resize(kinds);
  auto next = folded->patterns.begin();
  for (Player& player : players) {
    const auto end = next + player.flows().kinds();
    player.flows().fold({std::make_move_iterator(next), std::make_move_iterator(end)});
    next = end;
  }
  return std::move(folded->alike);
}

/// Simulates until every job has ended its first step.
void play(std::vector<Player>& players, FlowNetwork& network) {
  for (Player& player : players) player.begin(network, SimTime());
  const auto all_done = [&] {
    return std::all_of(players.begin(), players.end(), [](const Player& p) { return p.has_result(); });
  };
  const auto go_on = [&](Player& player, SimTime now) {
    if (player.ends_step() && !all_done()) player.begin(network, now);
  };
  while (!all_done()) {
    // The earliest event comes first. At equal times a job comes before the network, and job i before job i +
    // 1.
    Player* next = nullptr;
    std::optional<SimTime> time;
    for (Player& player : players) {
      const auto at = player.next_time();
      if (at && (!time || *at < *time)) {
        time = at;
        next = &player;
      }
    }
    const auto flow = network.next_time();
    if (!flow && next == nullptr) return;  // stuck
    if (next != nullptr && (!flow || *time <= *flow)) {
      next->advance();
      go_on(*next, *time);
    } else if (const auto tag = network.advance()) {
      Player& player = players[*tag >> 32U];
      player.finish(static_cast<std::uint32_t>(*tag), network.now());
      go_on(player, network.now());
    }
  }
}

std::vector<LinkLoad> loads_of(const FlowNetwork& network, const Fabric& fabric,
                               std::span<const std::uint32_t> alike) {
  std::vector<LinkLoad> loads;
  const double time = network.now().seconds().value();
  for (std::uint32_t link = 0; link < network.links(); ++link) {
    const double bytes = network.carried(link);
    if (bytes <= 0.0) continue;
    loads.push_back({.link = fabric.link(link),
                     .index = link,
                     .alike = alike.empty() ? 1 : static_cast<std::int64_t>(alike[link]),
                     .bytes = bytes,
                     .share = bytes / (fabric.capacities()[link].value() * time)});
  }
  std::stable_sort(loads.begin(), loads.end(),
                   [](const LinkLoad& a, const LinkLoad& b) { return a.share > b.share; });
  return loads;
}

/// The links to record over time: all that carry flows, or none if there are more than kMost.
std::vector<bool> links_to_follow(std::vector<Player>& players, std::size_t links,
                                  std::span<const std::uint32_t> alike) {
  constexpr std::size_t kMost = 4096;
  std::vector<bool> follow(links);
  if (alike.empty()) {
    for (Player& player : players) {
      for (const GroupFlows& group : player.flows().groups()) {
        for (const LinkUse& use : group.pattern.uses) follow[use.link] = true;
      }
    }
  } else {
    for (std::size_t link = 0; link < links; ++link) follow[link] = alike[link] > 0;
  }
  if (static_cast<std::size_t>(std::count(follow.begin(), follow.end(), true)) > kMost)
    follow.assign(links, false);
  return follow;
}

}  // namespace

NetworkResult play_on_network(std::span<const NetworkJob> jobs, const Fabric& fabric) {
  std::vector<Player> players;
  players.reserve(jobs.size());
  bool every = false;
  for (const NetworkJob& job : jobs) {
    check_options(job.options);
    players.emplace_back(job, static_cast<std::uint32_t>(players.size()), fabric);
    every |= job.options.every_rank;
  }
  NetworkResult result;
  std::vector<std::uint32_t> alike;
  if (!every) {
    if (auto folded = fold_all(players, fabric)) {
      alike = std::move(*folded);
      result.is_folded = true;
    }
  }
  for (Player& player : players) player.lay_out(result.is_folded);
  FlowNetwork network(fabric.capacities());
  result.series = LinkSeries(links_to_follow(players, network.links(), alike));
  network.listen(result.series);
  play(players, network);
  for (Player& player : players) result.jobs.push_back(player.result());
  result.links = loads_of(network, fabric, alike);
  return result;
}

std::vector<std::vector<Rank>> place_jobs(std::span<const std::int64_t> nodes, std::int64_t devices_per_node,
                                          JobPlacement placement) {
  std::vector<std::vector<Rank>> devices(nodes.size());
  std::vector<std::int64_t> left(nodes.begin(), nodes.end());
  std::int64_t node = 0;
  const auto take = [&](std::size_t job) {
    for (std::int64_t slot = 0; slot < devices_per_node; ++slot)
      devices[job].emplace_back(static_cast<std::size_t>(node * devices_per_node + slot));
    ++node;
    --left[job];
  };
  if (placement == JobPlacement::packed) {
    for (std::size_t job = 0; job < nodes.size(); ++job) {
      while (left[job] > 0) take(job);
    }
    return devices;
  }
  const auto is_left = [](std::int64_t n) { return n > 0; };
  while (std::any_of(left.begin(), left.end(), is_left)) {
    for (std::size_t job = 0; job < nodes.size(); ++job) {
      if (left[job] > 0) take(job);
    }
  }
  return devices;
}

}  // namespace foreshard
