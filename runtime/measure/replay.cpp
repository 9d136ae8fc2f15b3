#include "runtime/measure/replay.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "planner/fit/measured_time.hpp"
#include "planner/units/overloaded.hpp"
#include "runtime/measure/measure_link.hpp"

namespace foreshard {
namespace {

constexpr double kNever = std::numeric_limits<double>::max();

class Replay {
 public:
  Replay(Executor& executor, const RankPlan& plan, Communicator& communicator, const ReplayPlan& how)
      : executor_(executor), plan_(plan), communicator_(communicator), how_(how), program_(plan.program()) {
    runs_of_block_.resize(program_.blocks.size());
    for (std::size_t run = 0; run < plan.runs().size(); ++run)
      runs_of_block_[plan.runs()[run].block_call.block.at()].push_back(run);
    for (std::size_t run = 0; run < plan.runs().size(); ++run) {
      const Block& block = program_.block(plan.runs()[run].block_call.block);
      if (plan.runs()[run].in_slot && block.kind == BlockKind::dense_layer && block.pass == Pass::backward)
        before_once_ = run;
    }
  }

  OpTimes run() {
    OpTimes times(program_.blocks.size());
    for (std::size_t block = 0; block < times.size(); ++block) times[block] = time_block(block);
    return times;
  }

 private:
  /// All ranks time the blocks in the program's order, so that the members of a group run the same
  /// collectives.
  std::vector<OpTime> time_block(std::size_t block) {
    const std::vector<Op>& ops = program_.blocks[block].ops;
    const std::vector<std::size_t>& runs = runs_of_block_[block];
    std::vector<std::vector<Seconds>> samples(ops.size());
    communicator_.barrier();
    if (!runs.empty()) {
      const auto count = static_cast<int>(runs.size());
      const bool once = !plan_.runs()[runs.front()].in_slot;
      const int rounds = once ? how_.rounds : std::max(how_.rounds, (how_.least_samples + count - 1) / count);
      for (int round = 0; round < rounds; ++round) {
        if (once) evict_operands();
        for (const std::size_t run : runs) sample(run, samples);
      }
    }
    std::vector<OpTime> times;
    for (std::size_t op = 0; op < ops.size(); ++op)
      times.push_back({combine(ops[op], samples[op]), limit_of(ops[op])});
    return times;
  }

  /// Before a block that runs once per step, so much has run that its operands are no longer in the caches.
  /// This runs what usually precedes it: a layer's backward pass.
  void evict_operands() {
    if (before_once_) executor_.run_alone(*before_once_);
  }

  void sample(std::size_t run, std::vector<std::vector<Seconds>>& samples) {
    executor_.run_alone(run);
    for (std::size_t op = 0; op < samples.size(); ++op)
      samples[op].push_back(executor_.time_of(plan_.positions(run)[op]));
  }

  static Limit limit_of(const Op& op) { return is_communication(op) ? Limit::network : Limit::compute; }

  /// Combines all ranks that ran it: the mean for kernels, the fastest rank for collectives.
  [[nodiscard]] Seconds combine(const Op& op, const std::vector<Seconds>& samples) {
    if (const std::optional<Bytes> payload = transfer_payload(op)) return transfer_time(*payload);
    const bool ran = !samples.empty();
    const double own = ran ? measured_time(samples).median.value() : 0.0;
    if (is_communication(op)) return Seconds(-communicator_.max_over_world(ran ? -own : -kNever));
    const double ranks = communicator_.sum_over_world(ran ? 1.0 : 0.0);
    return Seconds(communicator_.sum_over_world(own) / std::max(ranks, 1.0));
  }

  /// The size of the message between neighbouring stages, if the operation is a transfer.
  static std::optional<Bytes> transfer_payload(const Op& op) {
    using Result = std::optional<Bytes>;
    const std::optional<Communication> communication = communication_of(op);
    if (!communication) return std::nullopt;
    return std::visit(
        overloaded{[](const Collective&) -> Result { return std::nullopt; },
                   [](const one_of<Send, Recv> auto& transfer) -> Result { return transfer.payload; }},
        *communication);
  }

  /// The time of a message of this size between neighbouring stages.
  [[nodiscard]] Seconds transfer_time(Bytes payload) {
    return measure_link(executor_.device(), communicator_, GroupKind::pp, LinkOperation::transfer, payload)
        .median;
  }

  Executor& executor_;
  const RankPlan& plan_;
  Communicator& communicator_;
  ReplayPlan how_;
  const StepProgram& program_;
  std::vector<std::vector<std::size_t>> runs_of_block_;
  std::optional<std::size_t> before_once_;  // a run of a layer's backward pass
};

}  // namespace

OpTimes replay_times(Executor& executor, const RankPlan& plan, Communicator& communicator,
                     const ReplayPlan& how) {
  return Replay(executor, plan, communicator, how).run();
}

}  // namespace foreshard
