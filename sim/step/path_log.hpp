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

/// Remembers what started each task, so that the critical path can be walked back from the last one.
///
/// The tasks form trees: a task's parent is the task whose end started it. Only chains that lead to a running
/// task can become the critical path, so now and then the log drops all others, and writes each stretch of a
/// chain that has no branch as one node with its sums. What stays is two nodes per running task at most,
/// however long the step:
///
///   a ─ b ─ c ─ d ─ (e runs)              a+b ─ c+d ─ (e runs)
///        ╲                        ⇒          ╲
///         f ─ g ─ h ─ (i runs)                f+g+h ─ (i runs)
class PathLog {
 public:
  static constexpr std::size_t kUsualNodes = std::size_t{1} << 17U;

  /// @param most_nodes  how many nodes there are, at least, when the log first drops what is dead
  explicit PathLog(std::size_t lanes, std::size_t most_nodes = kUsualNodes);

  /// A task starts because of the last end that was noted; with none before, because the step began.
  void note_start(LaneId lane) { causes_[lane.at()] = last_; }
  /// @param op  into ProgramPlan::ops
  void note_end(LaneId lane, std::uint32_t op, SimTime end);

  /// Back from the task that ended last.
  [[nodiscard]] PathReport report(const StepProgram& program, const ProgramPlan& plan) const;
  [[nodiscard]] std::size_t nodes() const { return nodes_.size(); }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  /// Which operation, and whether it is the host that submits its block's kernels.
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
    std::uint32_t sums = kNone;  // into sums_, of the stretch that ends here; none: this task alone
    Key key;                     // of the task alone
  };

  /// Which nodes lead to a running task, in how many ways.
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
  std::vector<std::uint32_t> causes_;  // of the running tasks, by lane; else none
  std::vector<Node> nodes_;            // a cause stands before what it started
  std::vector<Sums> sums_;
  std::uint32_t last_ = kNone;
};

}  // namespace foreshard
