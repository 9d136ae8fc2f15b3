#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/program/runs.hpp"
#include "sim/engine/engine.hpp"
#include "sim/play/instance_table.hpp"
#include "sim/play/program_plan.hpp"
#include "sim/play/task_label.hpp"

namespace foreshard {

/// Issues the operations of one rank class as tasks, in program order, a bounded number of visits ahead of
/// the compute lane: as a host does that launches kernels before they can run. Where launching takes the host
/// time, it has a lane too, with a task per visit. Instances exist from their issue to their end.
class RankPlayer {
 public:
  struct Place {
    std::size_t rank = 0;
    std::size_t ranks = 1;
    std::size_t visits_ahead = 1;
    SimTime host_submit;  ///< of one kernel
  };
  RankPlayer(const StepProgram& program, const ProgramPlan& plan, Place place);

  /// Issues what may be issued now.
  void issue(Engine& engine);
  [[nodiscard]] bool has_issued_all() const { return next_run_ == runs_.size(); }
  [[nodiscard]] const std::vector<Run>& runs() const { return runs_; }

 private:
  /// What an operation waits for, by lane of its rank, in tasks that must have ended.
  struct Needs {
    std::array<std::uint32_t, kRankLanes> count{};
    void need(RankLane lane, std::uint32_t tasks) {
      if (tasks > count[lane]) count[lane] = tasks;
    }
  };

  void issue_run(Engine& engine, std::size_t run);
  void issue_early(Engine& engine, std::size_t now, std::size_t later);
  [[nodiscard]] bool is_in_use(std::size_t now, std::size_t later, const OpPlan& op) const;
  void issue_op(Engine& engine, std::size_t run, std::uint32_t op);
  void collect_needs(Engine& engine, std::size_t run, const OpPlan& op);
  void submit_kernels(Engine& engine, std::size_t run, std::uint32_t op);
  void add_tasks(Engine& engine, std::size_t run, std::uint32_t index);
  void note_uses(Engine& engine, std::size_t run, const OpPlan& op);

  const ProgramPlan& plan_;
  Place place_;
  std::vector<Run> runs_;
  InstanceTable instances_;
  std::size_t next_run_ = 0;
  std::vector<std::uint32_t> compute_issued_;  // after each of the last `visits_ahead` runs
  std::vector<std::uint32_t> gathers_issued_;  // ahead, of the next runs
  Needs holds_;                                // of communication that the next compute waits for
  Needs needs_;                                // of the operation at hand
  Needs needs_of_pieces_;                      // of its last piece, where the writer has as many
  std::array<std::uint32_t, 2> received_{};    // forward, backward
};

}  // namespace foreshard
