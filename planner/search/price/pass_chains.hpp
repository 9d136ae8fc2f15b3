#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "planner/cost/step/lane_plan.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// How long the communication of data parallelism takes: no time, or its own unless some of it is issued early.
enum class DpTime : std::uint8_t { none, own };

/// True for communication on this lane during which no kernel runs: it starts when kernels have ended, and the next ones
/// wait for it.
bool stops_kernels(const Op& op, Lane lane);
/// The lane, of the two of data parallelism, whose communication stops kernels for longer. That of both may run at the
/// same time, so bounds count one of them.
Lane stopping_lane(const StepProgram& program, const OpTimes& times);

/// Lower bounds for the time that blocks take one after the other on a rank, whatever ran before them.
/// Two neighbouring blocks are played from the start of the first one's first kernel, as if everything that they need
/// were there and every lane free, without contention and host. The real step has the
/// same waits and more, so every operation starts at least as late after that kernel. The distances between the first
/// kernels of neighbouring blocks therefore add up to a lower bound for a whole pass.
/// Example: layers of kernels of 3 s, each followed by an all-reduce of 1 s for which the next layer waits. Two
/// layers' first kernels are 4 s apart, and the last kernel of a layer ends 3 s after its first one starts: four
/// layers take at least 3 · 4 + 3 = 15 s.
class PassChains {
 public:
  /// Keeps a reference to `program`.
  PassChains(const StepProgram& program, const OpTimes& times, DpTime dp);

  /// From the start of the first kernel of `a` to the start of the first kernel of `b`, which follows it; if `b` has
  /// none, to the end of the last kernel of `a`.
  [[nodiscard]] Seconds between(const BlockCall& a, const BlockCall& b);
  /// From the start of the first kernel to the end of the last.
  [[nodiscard]] Seconds rest(const BlockCall& a);
  /// From the start of the first kernel of `a` to the end of the kernels before and with the last operation that writes
  /// something that `b` reads, which follows it. What another stage waits for is there no earlier; the weight gradients
  /// of a backward pass may come after it.
  [[nodiscard]] Seconds output(const BlockCall& a, const BlockCall& b);
  /// What `b` may do before it needs something that `a`, which comes before it, wrote: all of its operations up to the
  /// first that reads such a thing, one after the other. With full recomputation, backward begins with these.
  [[nodiscard]] Seconds lead(const BlockCall& a, const BlockCall& b) const;
  /// From the start of the first kernel of a list of calls to the end of its last kernel.
  [[nodiscard]] Seconds of(std::span<const BlockCall> block_calls);
  /// The kernels of a block, and what stops kernels there.
  [[nodiscard]] Seconds kernels(BlockId block) const;
  /// What stops kernels before the first of a block and after its last: of this pass, and of those around it.
  struct Stops {
    Seconds before;
    Seconds after;
  };
  [[nodiscard]] Stops stops(BlockId block) const;

 private:
  struct FirstKernel {
    bool exists = false;
    double seconds = 0.0;
    double pieces = 1.0;
  };
  [[nodiscard]] BlockId without_start(BlockId block) const { return BlockId(blocks_ + block.at()); }
  [[nodiscard]] Seconds stopped_by(BlockId block, std::size_t first, std::size_t end) const;
  [[nodiscard]] BlockId up_to_kernel(BlockId block) const { return BlockId(2 * blocks_ + block.at()); }

  const StepProgram& program_;
  std::size_t blocks_;
  LanePlan
      plan_;  // blocks; then each without the time of what runs before its first kernel; then up to that kernel
  std::vector<FirstKernel> first_;  // by block
  Lane stopping_;
  std::map<std::pair<BlockId, BlockId>, Seconds> between_;
  std::map<BlockId, Seconds> rest_;
  std::map<std::pair<BlockId, BlockId>, Seconds> output_;
};

}  // namespace foreshard
