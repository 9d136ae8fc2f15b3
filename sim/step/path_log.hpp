#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "planner/program/step_program.hpp"
#include "sim/engine/engine.hpp"
#include "sim/step/program_plan.hpp"
#include "sim/step/simulation_result.hpp"

namespace foreshard {

/// A log of what started each task, from which the critical path is found by walking back from the last task.
///
/// The tasks form trees: a task's parent is the task whose end started it. Only chains that lead to a running
/// task can become part of the critical path. From time to time the log therefore drops all other nodes and
/// merges each section of a chain without branches into one node that holds the section's sums. At most two
/// nodes per running task remain, however long the step is:
///
///   a ─ b ─ c ─ d ─ (e runs)              a+b ─ c+d ─ (e runs)
///        ╲                        ⇒          ╲
///         f ─ g ─ h ─ (i runs)                f+g+h ─ (i runs)
class PathLog {
 public:
  static constexpr std::size_t kUsualNodes = std::size_t{1} << 17U;

  /// @param most_nodes  number of nodes at which the log first drops nodes that cannot be on the critical
  /// path
  explicit PathLog(std::size_t lanes, std::size_t most_nodes = kUsualNodes);

  /// Notes that a task starts. Its cause is the last end that was noted; if there is none, the start of the
  /// step.
  void note_start(LaneId lane) { causes_[lane.at()] = last_; }
  /// Notes that a lane's running task ends. @param op  index into ProgramPlan::ops
  void note_end(LaneId lane, std::uint32_t op, SimTime end);

  /// The critical path: the chain of causes that ends with the task that ended last.
  [[nodiscard]] PathReport report(const StepProgram& program, const ProgramPlan& plan) const;
  [[nodiscard]] std::size_t nodes() const { return nodes_.size(); }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  /// An operation, or (is_host) the host's submission of the kernels of its block.
  struct Key {
    std::uint32_t op = 0;
    bool is_host = false;
    friend constexpr auto operator<=>(const Key&, const Key&) = default;
  };
  struct Sum {
    std::int64_t operations = 0;
    SimTime time;
  };
  using Sums = std::map<Key, Sum>;
  struct Node {
    SimTime end;
    std::uint32_t cause = kNone;
    std::uint32_t sums = kNone;  // index into sums_ for the section that ends here; none: this task alone
    Key key;                     // this task's operation
  };

  /// The nodes that lead to a running task or to the last one, with the number of their children that do.
  struct Reached {
    std::vector<bool> is_running_or_last;
    std::vector<std::uint32_t> children;
    [[nodiscard]] bool contains(std::size_t node) const {
      return is_running_or_last[node] || children[node] > 0;
    }
    [[nodiscard]] bool is_between(std::size_t node) const {
      return !is_running_or_last[node] && children[node] == 1;
    }
  };
  [[nodiscard]] Reached reached() const;
  void drop_the_dead();
  void add_to(Sums& sums, const Node& node) const;

  std::size_t next_drop_;
  std::vector<std::uint32_t> causes_;  // by lane: cause of the running task; none if no task runs
  std::vector<Node> nodes_;            // a cause comes before the tasks that it started
  std::vector<Sums> sums_;
  std::uint32_t last_ = kNone;
};

}  // namespace foreshard
