#pragma once

#include <cstdint>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/units/count.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// Time on a timeline: whole picoseconds since the step began. Sums are exact; the range is 106 days.
using Picoseconds = std::int64_t;

/// Stands for all ranks of a stage instead of one.
inline constexpr Rank kEveryRank{-1};

/// The measured or predicted run of one operation, on all ranks of one stage or on one of them.
struct Span {
  StageId stage;
  Lane lane = Lane::compute;
  BlockId block;
  OpId op;
  LayerId layer;
  ChunkId chunk;
  MicroBatch micro_batch;
  Picoseconds start = 0;
  Picoseconds end = 0;
  Rank rank = kEveryRank;
  friend constexpr bool operator==(const Span&, const Span&) = default;
};

/// Bytes alive on one rank of a stage from `time` on, until the next sample of that stage.
struct MemorySample {
  StageId stage;
  Picoseconds time = 0;
  Bytes bytes;
  MicroBatch micro_batch;  ///< 0 before and after the micro-batches
  friend constexpr bool operator==(const MemorySample&, const MemorySample&) = default;
};

/// Receives a timeline and keeps it in memory, sums it, or streams it to a file. Both predictions and
/// measurements write to it. Spans of one lane of one stage arrive in the order in which they ended; Recvs
/// count as a lane of their own, apart from the Sends of that direction. Samples of one stage arrive in time
/// order.
class TimelineSink {
 public:
  virtual ~TimelineSink() = default;
  virtual void add(const Span& span) = 0;
  virtual void add(const MemorySample& sample) = 0;
  /// False if the sink ignores what is added: then callers need not collect anything for it.
  [[nodiscard]] virtual bool wants_anything() const { return true; }
};

/// Forgets everything.
class NoTimeline : public TimelineSink {
 public:
  void add(const Span& span) override;
  void add(const MemorySample& sample) override;
  [[nodiscard]] bool wants_anything() const override { return false; }
};

/// Keeps everything.
class Timeline : public TimelineSink {
 public:
  void add(const Span& span) override;
  void add(const MemorySample& sample) override;

  [[nodiscard]] const std::vector<Span>& spans() const { return spans_; }
  [[nodiscard]] const std::vector<MemorySample>& memory() const { return memory_; }

 private:
  std::vector<Span> spans_;
  std::vector<MemorySample> memory_;
};

/// Counts how often each operation ran and sums how long it took, over all stages.
class TimelineSum : public TimelineSink {
 public:
  struct Entry {
    std::int64_t count = 0;
    Picoseconds time = 0;
  };

  explicit TimelineSum(const StepProgram& program);
  void add(const Span& span) override;
  void add(const MemorySample& sample) override;

  [[nodiscard]] const Entry& of(BlockId block, OpId op) const { return entries_[block.at()][op.at()]; }
  /// When the last span ended.
  [[nodiscard]] Picoseconds end() const { return end_; }

 private:
  std::vector<std::vector<Entry>> entries_;  // [block][op]
  Picoseconds end_ = 0;
};

}  // namespace foreshard
