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
#include "planner/program/schedule/runs.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Where a rank stands between two runs.
struct LaneMark {
  LaneTimes times;    ///< from the start until the kernels before it have ended
  Seconds links_end;  ///< when the links between data-parallel replicas have ended what was issued before it
  Seconds sent_end;   ///< when the last transfer to another stage that was issued before it has ended
};

/// Plays runs of blocks on one rank's lanes in one pass: every lane is first-in first-out in program order and program
/// order is a topological order, so an operation's start is known when it is reached. The rules are the simulator's
/// (sim/step/simulate_step.hpp), with these differences:
///   other ranks     of the stage are ready: a collective lasts its own time. So are other stages where there is no
///                   board to meet them on: what a Recv brings is there
///   pieces          of a pipelined collective are not played one by one. A collective of g pieces behind a product
///                   starts with the product's first piece and ends at the earliest a piece's time behind its last;
///                   a product behind a collective likewise
///   interference    a communication that starts before kernels already played have ended makes the last of them
///                   longer by what it takes from them
/// Example, with share 0: kernel A of 3 s, collective C of 2 s that reads A's result, kernel B of 1 s that reads
/// nothing of C, kernel D that reads C's result. A runs from 0 to 3, C from 3 to 5, B from 3 to 4; D starts at 5, and
/// the second from 4 to 5 is exposed on C's axis.
class LanePlayer {
 public:
  /// @param runs  in program order; keeps references
  LanePlayer(const LanePlan& plan, std::span<const Run> runs, const Interference& interference);
  /// The same for a stage that meets others on a board.
  LanePlayer(const LanePlan& plan, std::span<const Run> runs, const Interference& interference,
             StageBoard& board, StageId stage);

  /// Plays all runs. @param marks  numbers of runs, ascending, at most runs.size(): where the rank stands before each,
  /// having waited for what holds it
  std::vector<LaneMark> play(std::span<const std::size_t> marks);
  /// Plays the next run, or the end behind the last. False if something of another stage is needed that is not on the
  /// board yet: the rest of the run is played by the next call.
  bool advance();
  /// When the kernels that were played have ended.
  [[nodiscard]] Seconds compute_end() const { return Seconds(compute_end_); }
  [[nodiscard]] bool is_done() const { return is_done_; }

  /// Once all is played: until every lane has ended; what is exposed behind the last kernel included.
  [[nodiscard]] LaneTimes end() const { return end_; }
  /// When the first collective over several stages would start, if there was one.
  [[nodiscard]] std::optional<Seconds> join() const { return join_; }

 private:
  static constexpr std::int32_t kNone = -1;

  /// One communication, to say later what was waited for.
  struct Record {
    double start = 0.0;
    double end = 0.0;
    CommAxis axis = CommAxis::tp;
    std::size_t queue = 0;
    std::int32_t before = kNone;   ///< the communication that it waited for, if one
    bool waits_for_stage = false;  ///< until its start, another stage was not there
  };
  /// A time, and the communication that made it so late, if one did.
  struct Moment {
    double time = 0.0;
    std::int32_t record = kNone;
  };
  /// Who touched one instance of a tensor last.
  struct LastUse {
    std::int64_t instance = -1;  ///< of a tensor that lives for a micro-batch or a run: which
    double first = 0.0;          ///< its first piece is written
    Moment whole;                ///< all of it is
    double pieces = 1.0;
    bool by_compute = true;
    Moment read;  ///< the last read since has ended
  };
  struct Needs {
    std::array<Moment, kQueueCount> by_queue;  ///< not before what these made or still read; [0]: kernels
    double first_piece = 0.0;                  ///< not before, of what arrives in pieces
    Moment last_piece;                         ///< when the last piece is there
    bool by_compute = true;                    ///< who makes the pieces
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
  [[nodiscard]] bool play_communication(const LaneOp& op, std::size_t run);
  [[nodiscard]] bool play_receive(const LaneOp& op, std::size_t run);
  [[nodiscard]] Moment start_of(const LaneOp& op, const Needs& needs) const;
  [[nodiscard]] std::optional<Moment> join_stages(const LaneOp& op, Moment ready);
  void end_communication(const LaneOp& op, std::size_t run, const Record& ran, bool is_local);
  void begin_run();
  void note_marks();
  void finish();
  void note_uses(const LaneOp& op, std::size_t run, double first, Moment whole);
  void add_load(double start, double end);
  void resume_at(double time);
  void expose(double from, double to, std::int32_t record);
  void wait_until(double time, std::int32_t record);

  static constexpr std::size_t kNotBegun = SIZE_MAX;

  const LanePlan& plan_;
  std::span<const Run> runs_;
  double submit_;
  std::int32_t lowest_layer_ = 0;
  std::size_t layers_ = 1;
  std::vector<LastUse> uses_;  // by shared tensor and layer
  std::vector<std::size_t> gathers_issued_;
  std::vector<double> kernels_by_run_;
  std::array<Moment, kQueueCount> lane_end_{};
  std::vector<Record> records_;
  Needs holds_;  // of communication that the next kernel waits for
  bool is_held_ = false;
  double sent_end_ = 0.0;
  std::size_t issuing_ = 0;  // the run at whose start the host is
  double compute_end_ = 0.0;
  double busy_since_ = 0.0;  // the compute lane has had no pause since
  double host_end_ = 0.0;
  std::vector<Stretch> busy_;  // of kernels without a pause, before that; the latest
  LaneLoads loads_;
  LaneTimes times_;
  Seconds* last_kernel_ = nullptr;  // where the last kernel's time is booked
  LaneTimes end_;
  std::optional<Seconds> join_;
  StageBoard* board_ = nullptr;
  StageId stage_;
  std::size_t transfers_seen_ = 0;
  bool is_at_join_ = false;                          // has said so on the board
  std::array<std::size_t, kQueueCount> meetings_{};  // by queue: transfers received, or stages joined, so far
  std::span<const std::size_t> marks_;
  std::vector<LaneMark> stands_;
  std::size_t next_op_ = kNotBegun;  // of the run that is being issued
  bool is_done_ = false;
};

}  // namespace foreshard
