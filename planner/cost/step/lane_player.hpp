#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/cost/step/lane_loads.hpp"
#include "planner/cost/step/lane_plan.hpp"
#include "planner/cost/step/lane_times.hpp"
#include "planner/cost/step/stage_board.hpp"
#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/program/schedule/runs.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The state of a rank between two runs of blocks.
struct LaneMark {
  LaneTimes times;    ///< from the step's start to the end of the kernels issued before the mark
  Seconds links_end;  ///< end of the data-parallel communication issued before the mark
  Seconds host_end;   ///< end of the copies and of the CPU's work issued before the mark
  Seconds sent_end;   ///< end of the last transfer to another stage issued before the mark
};

/// Computes when each operation of one rank runs, in one pass over the program. Every lane is first-in
/// first-out in program order, and program order is a topological order, so the start of an operation is
/// known when it is reached. The rules are those of the simulator (sim/step/simulate_step.hpp), with these
/// differences:
///   other ranks     The other ranks of the stage are always ready: a collective takes its own time. Without
///                   a board, other stages are always ready too: a Recv finds its data there.
///   pieces          The pieces of a pipelined collective are not played one by one. A collective of g pieces
///                   that reads a matrix product starts when the product's first piece is done. It ends no
///                   earlier than one piece's time after the product's last piece. The same holds for a
///                   product that reads a collective.
///   contention      If a communication starts before the end of kernels that were already played, the last
///                   of these kernels is lengthened by the time that the communication takes from them.
/// Example without contention: kernel A takes 3 s; collective C takes 2 s and reads A's result; kernel B
/// takes 1 s and does not read C's result; kernel D reads C's result. A runs from 0 to 3, C from 3 to 5, B
/// from 3 to 4. D starts at 5. The second from 4 to 5 is exposed communication on C's axis.
class LanePlayer {
 public:
  /// @param runs  runs of blocks in program order; the player keeps references to all arguments
  LanePlayer(const LanePlan& plan, std::span<const Run> runs, const Interference& interference);
  /// The same for a stage that exchanges transfers with other stages on a board.
  LanePlayer(const LanePlan& plan, std::span<const Run> runs, const Interference& interference,
             StageBoard& board, StageId stage);

  /// Plays all runs. Returns the state of the rank before each marked run, after the waits that hold its
  /// first kernel.
  /// @param marks  indices of runs, ascending, at most runs.size()
  std::vector<LaneMark> play(std::span<const std::size_t> marks);
  /// Plays the next run, or the next two if they are issued in turns, or the end of the step after the last run. Returns false if it needs a transfer or
  /// collective of another stage that is not on the board yet; the next call then continues in the same run.
  bool advance();
  /// The end of the kernels played so far.
  [[nodiscard]] Seconds compute_end() const { return Seconds(compute_end_); }
  [[nodiscard]] bool is_done() const { return is_done_; }
  /// The run that is issued next.
  [[nodiscard]] std::size_t next_run() const { return issuing_; }
  /// The state of the rank now, without the waits that hold its next kernel.
  [[nodiscard]] LaneMark mark() const;

  /// Times until every lane has ended, including communication exposed after the last kernel. Valid when
  /// is_done().
  [[nodiscard]] LaneTimes end() const { return end_; }
  /// What the rank waits for other stages before its first kernel in the slots: hidden where steps overlap.
  [[nodiscard]] LaneTimes lead() const { return lead_.value_or(LaneTimes{}); }
  /// When the rank is ready for the first collective over several stages, if there is one.
  [[nodiscard]] std::optional<Seconds> join() const { return join_; }

 private:
  static constexpr std::int32_t kNone = -1;

  /// One communication, copy or operation of the CPU, kept so that a later wait can be booked to the right axis.
  struct Record {
    double start = 0.0;
    double end = 0.0;
    CommAxis axis = CommAxis::tp;
    std::size_t queue = 0;
    std::int32_t before = kNone;   ///< the communication that it waited for, if any
    bool waits_for_stage = false;  ///< it started late because another stage was not ready
    bool waits_for_host = false;   ///< it started late because the host had not issued it
  };
  /// A time, and the communication that determined it, if any.
  struct Moment {
    double time = 0.0;
    std::int32_t record = kNone;
  };
  /// The latest accesses to one instance of a tensor.
  struct LastUse {
    std::int64_t instance = -1;  ///< number of the instance, for tensors of a micro-batch or a run
    double first = 0.0;          ///< when its first piece has been written
    Moment whole;                ///< when all of it has been written
    double pieces = 1.0;
    bool by_compute = true;  ///< a kernel wrote it, not a communication
    Moment read;             ///< when the last read since that write has ended
  };
  /// The earliest times at which the inputs and outputs of an operation allow it to start and end.
  struct Needs {
    std::array<Moment, kQueueCount> by_queue;  ///< end of the accesses waited for, by queue; [0]: kernels
    double first_piece = 0.0;                  ///< when the first piece of a pipelined input is there
    Moment last_piece;                         ///< when its last piece is there
    bool by_compute = true;                    ///< a kernel produces the pieces, not a collective
  };

  [[nodiscard]] std::int64_t instance_of_use(const LaneOp::Use& use, std::size_t run) const;
  [[nodiscard]] std::size_t place_of(const LaneOp::Use& use, std::size_t run) const;
  [[nodiscard]] LastUse& last_use(const LaneOp::Use& use, std::size_t run);
  [[nodiscard]] bool is_in_use(std::size_t now, std::size_t later, const LaneOp& op) const;
  void issue_early(std::size_t now, std::size_t later);
  [[nodiscard]] bool issue(const LaneOp& op, std::size_t run);
  [[nodiscard]] Needs needs_of(const LaneOp& op, std::size_t run);
  void need(Needs& needs, Moment moment) const;
  void play_kernel(const LaneOp& op, std::size_t run);
  void wait_for(const Needs& needs);
  double run_kernel(const LaneOp& op);
  void note_lead(std::size_t run);
  [[nodiscard]] bool play_communication(const LaneOp& op, std::size_t run);
  [[nodiscard]] bool play_receive(const LaneOp& op, std::size_t run);
  [[nodiscard]] Moment start_of(const LaneOp& op, const Needs& needs) const;
  void issue_by_host(const LaneOp& op);
  void stop_host(const LaneOp& op, std::size_t run);
  [[nodiscard]] std::optional<Moment> join_stages(const LaneOp& op, Moment ready);
  void end_communication(const LaneOp& op, std::size_t run, const Record& ran, bool is_local);
  void begin_run();
  [[nodiscard]] bool is_paired(std::size_t run) const;
  /// Issue what is left of the run, or of the two that are issued in turns. Return false as advance() does.
  [[nodiscard]] bool issue_run();
  [[nodiscard]] bool issue_in_turns();
  void note_marks();
  void finish();
  void note_uses(const LaneOp& op, std::size_t run, double first, Moment whole);
  void add_load(const Load& load);
  void resume_at(double time);
  void expose(double from, double to, std::int32_t record);
  void wait_until(double time, std::int32_t record);

  static constexpr std::size_t kNotBegun = SIZE_MAX;

  const LanePlan& plan_;
  std::span<const Run> runs_;
  double read_back_;
  double communication_share_;
  double exchange_share_;
  bool slows_kernels_;
  std::int32_t lowest_layer_ = 0;
  std::size_t layers_ = 1;
  std::vector<LastUse> uses_;  // by shared tensor and layer
  std::vector<std::size_t> gathers_issued_;
  std::vector<double> kernels_by_run_;
  std::array<Moment, kQueueCount> lane_end_{};
  std::vector<Record> records_;
  Needs holds_;  // ends of the communication that the next kernel must wait for (blocks_compute)
  bool is_held_ = false;
  double sent_end_ = 0.0;
  std::size_t issuing_ = 0;  // the run that the host is issuing
  double compute_end_ = 0.0;
  double busy_since_ = 0.0;  // end of the compute lane's last pause
  double host_end_ = 0.0;
  Moment host_awaited_;        // the end of what the host last waited for
  std::vector<Stretch> busy_;  // intervals of kernels without a pause, before busy_since_; only the latest
  LaneLoads loads_;
  LaneTimes times_;
  Seconds* last_kernel_ = nullptr;  // the entry of times_ to which the last kernel's time was added
  LaneTimes end_;
  std::optional<LaneTimes> lead_;
  std::optional<Seconds> join_;
  StageBoard* board_ = nullptr;
  StageId stage_;
  std::size_t transfers_seen_ = 0;
  bool is_at_join_ = false;                          // the board knows that this stage is ready for the join
  std::array<std::size_t, kQueueCount> meetings_{};  // by queue: transfers received or collectives joined
  std::span<const std::size_t> marks_;
  std::vector<LaneMark> stands_;
  std::size_t next_op_ = kNotBegun;  // next operation of the run, or of the turns, that are being issued
  std::vector<IssuedOp> turns_;      // of two runs, in the order in which they are issued
  bool is_done_ = false;
};

}  // namespace foreshard
