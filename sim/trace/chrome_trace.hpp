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
  /// Write a process for every rank of every stage. Otherwise there is one process for each stage, which
  /// stands for all of its ranks, or shows the first of them if the spans are of single ranks.
  bool all_ranks = false;
  /// Prefix of the names of processes: "predicted" gives "predicted: stage 0".
  std::string title{};
  /// Number of micro-batches to write, from the first on; none: all. What belongs to no micro-batch
  /// (synchronisation of gradients, optimizer) is always written. The document states the limit.
  std::optional<std::int64_t> micro_batches{};
};

/// Streams a timeline as JSON in the Chrome trace-event format, for Perfetto (ui.perfetto.dev) and
/// chrome://tracing. There is a process per rank class or rank, a thread per lane, a complete event per
/// operation, an arrow from each Send to its Recv, and a counter for memory. Times are microseconds with
/// picosecond decimals. The same timeline gives the same bytes.
/// Source of the format: "Trace Event Format", Google,
/// docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
class ChromeTrace : public TimelineSink {
 public:
  /// Keeps references to `out`, which should be open in binary mode, and `program`. Writes the names of
  /// processes and threads immediately.
  ChromeTrace(std::ostream& out, const StepProgram& program, ChromeTraceOptions options = {});

  void add(const Span& span) override;
  void add(const MemorySample& sample) override;
  /// Adds a counter in GB/s of the bytes carried in equal intervals from time 0 on. All counters with one
  /// title are shown together in a process of their own. If all intervals are empty, no counter is written.
  void add_counter(const std::string& title, const std::string& name, std::span<const double> bytes,
                   SimTime interval);
  /// Begins another timeline of the same program: what is added from now on appears in processes of its own,
  /// below those so far.
  void begin_another(std::string title);
  /// Ends the document; nothing may be added afterwards. @throws std::runtime_error if writing to the stream
  /// failed
  void finish();

  [[nodiscard]] std::int64_t events() const { return events_; }

 private:
  /// The part of an event's text that is the same for every run of an operation.
  struct OpText {
    std::string head;  // text after the pid: thread, name, category, up to the time
    RankLane lane = kComputeLane;
  };

  void write_names();
  /// A range of processes of one timeline: those of all ranks of a stage, or of one rank.
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
  std::size_t first_process_ = 0;   // first process of the current timeline
  std::size_t first_transfer_ = 0;  // id of the current timeline's first arrow
  std::size_t next_transfer_ = 0;   // an id above those of all arrows so far
  std::size_t devices_per_stage_;
  std::size_t ranks_per_stage_;                                  // number that are written
  std::vector<std::vector<OpText>> ops_;                         // [block][op]
  std::vector<std::array<std::int64_t, kRankLanes>> transfers_;  // number so far, by process and lane
  TextBuffer rest_;                                              // the current event's text after its process
  TextBuffer text_;                                              // text not yet written to the stream
  std::int64_t events_ = 0;
  std::vector<std::string> counters_;  // titles of the counters' processes, which follow those of ranks
};

}  // namespace foreshard
