#include "sim/network/job_flows.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "planner/cost/collectives/group_links.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

/// For each stage, whether it runs an operation for which `is_one` holds.
template <class Predicate>
std::vector<bool> stages_with(const StepProgram& program, const ProgramPlan& plan, const Predicate& is_one) {
  std::vector<bool> found;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    const std::vector<std::int64_t> block_calls = count_block_calls(program, StageId(stage));
    bool any = false;
    for (std::uint32_t op = 0; op < plan.ops.size() && !any; ++op)
      any = block_calls[plan.ops[op].block.at()] > 0 && is_one(op);
    found.push_back(any);
  }
  return found;
}

}  // namespace

JobFlows::JobFlows(const JobSpec& job, const StepProgram& program, const ProgramPlan& plan,
                   std::span<const Rank> devices, const Fabric& fabric)
    : mesh_(job.parallelism), stages_(program.stages.size()) {
  read_operations(job, program, plan);
  lay_groups(program, plan, devices, fabric);
}

void JobFlows::read_operations(const JobSpec& job, const StepProgram& program, const ProgramPlan& plan) {
  ClusterSpec unshared = job.cluster;
  unshared.network.oversubscription = std::min(1.0, unshared.network.oversubscription);
  std::vector<CollectiveTimes> times;
  for (std::size_t kind = 0; kind < kGroupKindCount; ++kind)
    times.emplace_back(links_of(mesh_.group(static_cast<GroupKind>(kind)), unshared),
                       job.training.dispatcher);

  ops_.resize(plan.ops.size());
  for (std::size_t o = 0; o < plan.ops.size(); ++o) {
    const Op& op = program.block(plan.ops[o].block).ops[plan.ops[o].op.at()];
    const auto pieces = static_cast<double>(plan.ops[o].pieces);
    // `share`: of the payload and its rate, what flows carry.
    const auto note = [&](const CommunicationForm& form, const AlgorithmCost& cost, Bytes payload,
                          double share = 1.0) {
      ops_[o] = {.form = number_of(form),
                 .bytes = share * payload.as_double() / pieces,
                 .rate = share * cost.rate(payload),
                 .latency = to_sim_time(cost.steps(payload) / pieces)};
    };
    const std::optional<Communication> communication = communication_of(op);
    if (!communication) continue;
    const auto of_group = [&](GroupKind group) -> const auto& {
      return times[static_cast<std::size_t>(group)];
    };
    std::visit(overloaded{[&](const Collective& c) {
                            if (mesh_.group(c.group).size <= 1) return;
                            const AlgorithmCost cost = of_group(c.group).cost(c);
                            // A token crosses to each node once and is copied there.
                            const bool crosses = c.copies && c.copies->nodes > 1.0;
                            const double share = crosses ? c.copies->nodes / c.copies->ranks : 1.0;
                            note({.group = c.group, .kind = c.kind, .choice = cost.choice}, cost, c.payload,
                                 share);
                          },
                          [&](const Send& send) {
                            const AlgorithmCost& cost = of_group(GroupKind::pp).cost_of_transfer();
                            note({.group = {}, .peer = send.peer, .choice = cost.choice}, cost, send.payload);
                          },
                          [](const Recv&) {}},  // its Send seen from the other side
               *communication);
  }
}

std::uint32_t JobFlows::number_of(const CommunicationForm& form) {
  const auto found = std::find(forms_.begin(), forms_.end(), form);
  if (found != forms_.end()) return static_cast<std::uint32_t>(found - forms_.begin());
  forms_.push_back(form);
  return static_cast<std::uint32_t>(forms_.size() - 1);
}

void JobFlows::lay_groups(const StepProgram& program, const ProgramPlan& plan, std::span<const Rank> devices,
                          const Fabric& fabric) {
  const auto ranks = static_cast<std::size_t>(mesh_.devices());
  group_of_.assign(ranks * forms_.size(), kNone);
  for (std::size_t w = 0; w < forms_.size(); ++w) {
    const CommunicationForm& form = forms_[w];
    const std::vector<bool> calls =
        stages_with(program, plan, [&](std::uint32_t op) { return ops_[op].form == w; });
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      const std::vector<Rank> members = members_of(form, Rank(rank), calls);
      if (members.size() < 2 || members.front() != Rank(rank)) continue;
      std::vector<Rank> places;
      for (const Rank member : members) places.push_back(devices[member.at()]);
      group_of_[rank * forms_.size() + w] = static_cast<std::uint32_t>(groups_.size());
      groups_.push_back({.kind = static_cast<std::uint32_t>(w * stages_ + mesh_.stage(Rank(rank)).at()),
                         .pattern = form.group ? pattern_of(fabric, form.kind, form.choice, places)
                                               : transfer_pattern(fabric, places[0], places[1])});
    }
  }
}

/// The ranks that take part: the members of the group, or sender and receiver of a transfer.
std::vector<Rank> JobFlows::members_of(const CommunicationForm& form, Rank rank,
                                       const std::vector<bool>& calls) const {
  std::vector<Rank> members;
  if (form.group) {
    for (const Rank member : mesh_.members(*form.group, rank)) {
      if (calls[mesh_.stage(member).at()]) members.push_back(member);
    }
    return members;
  }
  if (!calls[mesh_.stage(rank).at()]) return members;
  const auto devices = static_cast<std::size_t>(mesh_.devices());
  const std::size_t per_stage = devices / stages_;
  const std::size_t step = form.peer == Peer::next_stage ? per_stage : devices - per_stage;
  return {rank, Rank((rank.at() + step) % devices)};
}

void JobFlows::fold(std::vector<FlowPattern> by_kind) {
  folded_ = std::move(by_kind);
  group_of_.assign(stages_ * forms_.size(), kNone);
  for (const GroupFlows& group : groups_) {
    const std::size_t form = group.kind / stages_;
    const std::size_t stage = group.kind % stages_;
    group_of_[stage * forms_.size() + form] = group.kind;
  }
  groups_.clear();
}

std::optional<FlowSet> JobFlows::flows(std::size_t place, std::uint32_t op) const {
  const OpFlow& flow = ops_[op];
  const std::uint32_t group = group_of_[place * forms_.size() + flow.form];
  if (group == kNone) return std::nullopt;
  const FlowPattern& pattern = folded_.empty() ? groups_[group].pattern : folded_[group];
  return FlowSet{.uses = pattern.uses,
                 .bytes = flow.bytes * pattern.share,
                 .cap = flow.rate * pattern.share,
                 .latency = flow.latency};
}

}  // namespace foreshard
