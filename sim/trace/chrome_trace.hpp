#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "planner/program/schedule/timeline.hpp"
#include "sim/engine/sim_time.hpp"
#include "sim/step/rank_lanes.hpp"
#include "sim/trace/text_buffer.hpp"

namespace foreshard {

struct ChromeTraceOptions {
  /// A process for every rank of every stage, instead of one for a stage: for all its ranks, or the first
  /// where spans tell them apart.
  bool all_ranks = false;
  /// Put before the names of the processes: "predicted: stage 0".
  std::string title{};
  /// Only so many micro-batches, from the first on, and what belongs to none: gradients' synchronisation, the
  /// optimizer. The document says so. None: all of them.
  std::optional<std::int64_t> micro_batches{};
};

/// Streams a timeline as JSON in the Chrome trace-event format, for Perfetto (ui.perfetto.dev) and
/// chrome://tracing: a process per rank class or rank, a thread per lane, a complete event per operation, an
/// arrow from each Send to its Recv, a counter for memory. Times are microseconds with picosecond decimals.
/// The same timeline gives the same bytes. Source of the format: "Trace Event Format", Google,
/// docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
class ChromeTrace : public TimelineSink {
 public:
  /// Keeps references to both; `out` should be binary. Writes the names of processes and threads at once.
  ChromeTrace(std::ostream& out, const StepProgram& program, ChromeTraceOptions options = {});

  void add(const Span& span) override;
  void add(const MemorySample& sample) override;
  /// A counter of what was carried in equal stretches of time, from 0 on, as GB/s; all counters of one title
  /// are together in one more process. Where all stretches are empty there is none.
  void add_counter(const std::string& title, const std::string& name, std::span<const double> bytes,
                   SimTime interval);
  /// What is added from here on is another timeline of the same program, in processes of its own below those
  /// so far.
  void begin_another(std::string title);
  /// Ends the document; nothing may be added behind. @throws std::runtime_error if the stream did not take it
  /// all
  void finish();

  [[nodiscard]] std::int64_t events() const { return events_; }

 private:
  /// What is the same for every run of an operation.
  struct OpText {
    std::string head;  // after the pid: thread, name, category, up to the time
    RankLane lane = kComputeLane;
  };

  void write_names();
  /// Processes of one timeline: of all of a stage's ranks, or of one.
  struct Members {
    std::size_t first = 0;
    std::size_t count = 1;
  };
  [[nodiscard]] bool is_wanted(MicroBatch micro_batch) const {
    return !micro_batches_ || micro_batch.value() < *micro_batches_;
  }
  [[nodiscard]] Members members_of(StageId stage, Rank rank) const;
  void write_event(Members members);
  void write_flow(Members members, RankLane lane, Picoseconds time);
  void hand_on();

  std::ostream& out_;
  const StepProgram& program_;
  std::string title_;
  std::optional<std::int64_t> micro_batches_;
  std::size_t first_process_ = 0;   // of the timeline at hand
  std::size_t first_transfer_ = 0;  // id of the timeline's first arrow
  std::size_t next_transfer_ = 0;   // id above all arrows so far
  std::size_t devices_per_stage_;
  std::size_t ranks_per_stage_;                                  // that are written out
  std::vector<std::vector<OpText>> ops_;                         // [block][op]
  std::vector<std::array<std::int64_t, kRankLanes>> transfers_;  // so far, by process and lane
  TextBuffer rest_;                                              // of the event at hand, behind its process
  TextBuffer text_;                                              // not yet handed on
  std::int64_t events_ = 0;
  std::vector<std::string> counters_;  // titles of processes behind those of ranks
};

}  // namespace foreshard
