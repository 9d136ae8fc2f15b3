#include "planner/program/dependencies/task_graph.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <queue>
#include <stdexcept>
#include <unordered_map>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/topological_sort.hpp>
#include <fmt/format.h>

#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/program/schedule/runs.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

/// An edge goes from a task to one that waits for it.
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS>;
using Dependencies = std::vector<std::vector<std::size_t>>;  ///< for each task, the tasks that it waits for
using TasksByStage = std::vector<std::vector<std::size_t>>;

/// Tasks that communicate with other stages, in program order, by the group or lane that identifies them.
struct Meetings {
  std::map<GroupKind, TasksByStage> collectives;
  std::map<Lane, TasksByStage> sends;
  std::map<Lane, TasksByStage> receives;
};

/// Lists the tasks of one stage, and for each the tasks on its own rank that it waits for.
class StageBuilder {
 public:
  StageBuilder(const StepProgram& program, std::size_t stage, std::vector<TaskRef>& tasks,
               Dependencies& dependencies, Meetings& meetings)
      : program_(program), stage_(stage), tasks_(tasks), dependencies_(dependencies), meetings_(meetings) {}

  void build() {
    runs_ = runs_of(program_, StageId(stage_));
    issue_in_order(*this, runs_.size(), farthest_prefetch());
  }

  // ---- the interface that issue_in_order needs of a rank

  [[nodiscard]] std::size_t operations(std::size_t run) const { return ops_of(run).size(); }
  [[nodiscard]] std::int32_t prefetch_blocks(std::size_t run, std::uint32_t op) const {
    return ops_of(run)[op].prefetch_blocks;
  }
  [[nodiscard]] Queue queue(std::size_t run, std::uint32_t op) const { return queue_of(ops_of(run)[op]); }
  [[nodiscard]] bool is_in_turns(std::size_t run) const { return runs_[run].in_turns; }
  void issue(std::size_t run, std::uint32_t op) { add(runs_[run], run, OpId(static_cast<std::size_t>(op))); }
  void end(std::size_t /*run*/) {}

  /// True if a run from `now` on and before `later` still uses a tensor that operation `op` of run `later`
  /// writes.
  [[nodiscard]] bool is_in_use(std::size_t now, std::size_t later, std::uint32_t op) const {
    for (const Operand& written : ops_of(later)[op].operands) {
      if (written.access == Access::read) continue;
      const Instance target = instance_of(program_, written, runs_[later], later);
      for (std::size_t run = now; run < later; ++run) {
        for (const Op& other : ops_of(run)) {
          for (const Operand& operand : other.operands) {
            if (instance_of(program_, operand, runs_[run], run) == target) return true;
          }
        }
      }
    }
    return false;
  }

 private:
  /// The tasks that last used an instance of a tensor.
  struct Uses {
    std::optional<std::size_t> writer;
    std::vector<std::size_t> readers;  ///< since that write
  };

  [[nodiscard]] const std::vector<Op>& ops_of(std::size_t run) const {
    return program_.block(runs_[run].block_call.block).ops;
  }

  [[nodiscard]] std::size_t farthest_prefetch() const {
    std::int8_t farthest = 0;
    for (const Block& block : program_.blocks) {
      for (const Op& op : block.ops) farthest = std::max(farthest, op.prefetch_blocks);
    }
    return static_cast<std::size_t>(farthest);
  }

  void add(const Run& run, std::size_t run_index, OpId op_id) {
    const Op& op = ops_of(run_index)[op_id.at()];
    const std::size_t task = tasks_.size();
    tasks_.push_back(
        {StageId(stage_), run.block_call.block, op_id, run.block_call.layer, run.chunk, run.micro_batch});
    dependencies_.emplace_back();
    follow_data(run, run_index, op, task);
    follow_lanes(op, task);
    note_meeting(op, task);
  }

  void wait(std::size_t task, std::optional<std::size_t> other) {
    if (other && *other != task) dependencies_[task].push_back(*other);
  }

  void follow_data(const Run& run, std::size_t run_index, const Op& op, std::size_t task) {
    for (const Operand& operand : op.operands) {
      Uses& uses = uses_[instance_of(program_, operand, run, run_index)];
      wait(task, uses.writer);
      if (!waits_for_readers(operand.access)) {
        uses.readers.push_back(task);
        continue;
      }
      for (const std::size_t reader : uses.readers) wait(task, reader);
      uses.readers.clear();
      uses.writer = task;
    }
  }

  /// Adds the dependencies of first-in first-out lanes, and those of communication without overlap.
  void follow_lanes(const Op& op, std::size_t task) {
    std::optional<std::size_t>& last = last_of_queue_[queue_of(op)];
    wait(task, last);
    if (holds_former(op) && last) holders_.push_back(*last);
    last = task;
    if (op.lane == Lane::compute) {
      for (const std::size_t held_by : holders_) wait(task, held_by);
      holders_.clear();
    }
    if (starts_after_compute(program_, op)) wait(task, last_of_queue_[static_cast<Queue>(Lane::compute)]);
    if (op.blocks_compute) holders_.push_back(task);
  }

  void note_meeting(const Op& op, std::size_t task) {
    const std::optional<Communication> communication = communication_of(op);
    if (!communication) return;
    std::visit(
        overloaded{[&](const Collective& collective) { note(meetings_.collectives[collective.group], task); },
                   [&](const Send&) { note(meetings_.sends[op.lane], task); },
                   [&](const Recv&) { note(meetings_.receives[op.lane], task); }},
        *communication);
  }
  void note(TasksByStage& by_stage, std::size_t task) {
    by_stage.resize(program_.stages.size());
    by_stage[stage_].push_back(task);
  }

  const StepProgram& program_;
  std::size_t stage_;
  std::vector<TaskRef>& tasks_;
  Dependencies& dependencies_;
  Meetings& meetings_;
  std::unordered_map<Instance, Uses, InstanceHash> uses_;
  std::vector<Run> runs_;
  std::array<std::optional<std::size_t>, kQueueCount> last_of_queue_;
  std::vector<std::size_t> holders_;  ///< communication and copies that the next compute waits for
};

/// Makes each receive wait for its send: the k-th receive of a lane belongs to the k-th send of the neighbour from which
/// the lane comes.
void join_transfers(Meetings& meetings, std::size_t stages, Dependencies& dependencies) {
  for (const auto& [lane, to] : kTransferLanes) {
    TasksByStage& sends = meetings.sends[lane];
    TasksByStage& receives = meetings.receives[lane];
    sends.resize(stages);
    receives.resize(stages);
    for (std::size_t stage = 0; stage < stages; ++stage) {
      const std::size_t receiver = (stage + (to == Peer::next_stage ? 1 : stages - 1)) % stages;
      const std::vector<std::size_t>& sent = sends[stage];
      const std::vector<std::size_t>& received = receives[receiver];
      for (std::size_t i = 0; i < std::min(sent.size(), received.size()); ++i)
        dependencies[received[i]].push_back(sent[i]);
    }
  }
}

/// A collective over several stages starts when all of its members are ready: each of its tasks waits for
/// everything that any of them waits for. All members of other groups are on one stage, where every rank has
/// the same dependencies.
void join_collectives(const Meetings& meetings, Dependencies& dependencies) {
  for (const GroupKind group : {GroupKind::pp, GroupKind::tied, GroupKind::world}) {
    const auto found = meetings.collectives.find(group);
    if (found == meetings.collectives.end()) continue;
    std::size_t most = 0;
    for (const auto& calls : found->second) most = std::max(most, calls.size());
    for (std::size_t position = 0; position < most; ++position) {
      std::vector<std::size_t> awaited;
      for (const auto& calls : found->second) {
        if (position >= calls.size()) continue;
        const auto& own = dependencies[calls[position]];
        awaited.insert(awaited.end(), own.begin(), own.end());
      }
      for (const auto& calls : found->second) {
        if (position < calls.size()) dependencies[calls[position]] = awaited;
      }
    }
  }
}

}  // namespace

struct TaskGraph::Impl {
  std::vector<Block> blocks;  ///< the program's: tasks point into them
  std::vector<TaskRef> tasks;
  Graph graph;

  [[nodiscard]] const Op& op(std::size_t task) const {
    return blocks[tasks[task].block.at()].ops[tasks[task].op.at()];
  }
  [[nodiscard]] std::vector<std::size_t> dependencies(std::size_t task) const {
    std::vector<std::size_t> sources;
    for (auto [edge, end] = boost::in_edges(task, graph); edge != end; ++edge) {
      sources.push_back(boost::source(*edge, graph));
    }
    std::sort(sources.begin(), sources.end());
    return sources;
  }
  [[nodiscard]] std::string words_for(std::size_t task) const {
    const TaskRef& ref = tasks[task];
    return fmt::format("stage {} \"{}\" / \"{}\" (layer {}, micro-batch {})", ref.stage.value(),
                       blocks[ref.block.at()].name, op(task).name, ref.layer.value(),
                       ref.micro_batch.value());
  }
  [[nodiscard]] std::string words_for_cycle(const std::vector<std::size_t>& waiting) const;
};

/// Describes a cycle. It is found by going back from a task that never becomes ready to one that it waits
/// for, again and again: sooner or later a task repeats.
std::string TaskGraph::Impl::words_for_cycle(const std::vector<std::size_t>& waiting) const {
  std::vector<std::size_t> path;
  std::size_t at = static_cast<std::size_t>(
      std::find_if(waiting.begin(), waiting.end(), [](std::size_t n) { return n > 0; }) - waiting.begin());
  while (std::find(path.begin(), path.end(), at) == path.end()) {
    path.push_back(at);
    for (const std::size_t source : dependencies(at)) {
      if (waiting[source] > 0) {
        at = source;
        break;
      }
    }
  }
  std::string text;
  for (auto task = std::find(path.begin(), path.end(), at); task != path.end(); ++task) {
    text += words_for(*task) + " waits for ";
  }
  return text + words_for(at);
}

TaskGraph::TaskGraph(const StepProgram& program) : impl_(std::make_unique<Impl>()) {
  impl_->blocks = program.blocks;
  Dependencies dependencies;
  Meetings meetings;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    StageBuilder(program, stage, impl_->tasks, dependencies, meetings).build();
  }
  join_transfers(meetings, program.stages.size(), dependencies);
  join_collectives(meetings, dependencies);
  impl_->graph = Graph(impl_->tasks.size());
  for (std::size_t task = 0; task < dependencies.size(); ++task) {
    std::vector<std::size_t>& sources = dependencies[task];
    std::sort(sources.begin(), sources.end());
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
    for (const std::size_t source : sources) boost::add_edge(source, task, impl_->graph);
  }
}

TaskGraph::~TaskGraph() = default;
TaskGraph::TaskGraph(TaskGraph&&) noexcept = default;
TaskGraph& TaskGraph::operator=(TaskGraph&&) noexcept = default;

std::size_t TaskGraph::size() const { return impl_->tasks.size(); }
const TaskRef& TaskGraph::task(std::size_t index) const { return impl_->tasks[index]; }
std::vector<std::size_t> TaskGraph::dependencies(std::size_t index) const {
  return impl_->dependencies(index);
}

bool TaskGraph::is_acyclic() const {
  std::vector<std::size_t> order;
  try {
    boost::topological_sort(impl_->graph, std::back_inserter(order));
  } catch (const boost::not_a_dag&) {
    return false;
  }
  return true;
}

std::vector<std::size_t> TaskGraph::topological_order() const {
  // Boost's topological sort orders ties by its depth-first search; here the earliest task goes first.
  std::vector<std::size_t> waiting(size());
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t task = 0; task < size(); ++task) {
    waiting[task] = boost::in_degree(task, impl_->graph);
    if (waiting[task] == 0) ready.push(task);
  }
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    const std::size_t task = ready.top();
    ready.pop();
    order.push_back(task);
    for (auto [edge, end] = boost::out_edges(task, impl_->graph); edge != end; ++edge) {
      const std::size_t next = boost::target(*edge, impl_->graph);
      if (--waiting[next] == 0) ready.push(next);
    }
  }
  if (order.size() != size()) {
    throw std::runtime_error("the step program deadlocks: " + impl_->words_for_cycle(waiting));
  }
  return order;
}

CriticalPath TaskGraph::critical_path(const std::function<Seconds(const Op&)>& duration) const {
  std::vector<Seconds> end(size());
  std::vector<std::optional<std::size_t>> latest(size());  ///< the dependency that ends last
  std::optional<std::size_t> last;
  for (const std::size_t task : topological_order()) {
    Seconds start;
    for (const std::size_t source : impl_->dependencies(task)) {
      if (!latest[task] || end[source] > start) {
        start = end[source];
        latest[task] = source;
      }
    }
    end[task] = start + duration(impl_->op(task));
    if (!last || end[task] > end[*last]) last = task;
  }
  CriticalPath path;
  if (!last) return path;
  path.length = end[*last];
  for (std::optional<std::size_t> task = last; task; task = latest[*task])
    path.tasks.push_back(this->task(*task));
  std::reverse(path.tasks.begin(), path.tasks.end());
  return path;
}

}  // namespace foreshard
