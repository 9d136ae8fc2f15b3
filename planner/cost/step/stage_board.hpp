#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "planner/cost/step/lane_plan.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// Shared state through which the players of different stages communicate. It holds the transfers between
/// stages, and when each stage was ready for a collective over several stages. The k-th Recv of a lane of transfers
/// matches the k-th Send of that lane.
class StageBoard {
 public:
  struct Transfer {
    double start = 0.0;
    double end = 0.0;
  };

  StageBoard(const StepProgram& program, const LanePlan& plan) : stages_(program.stages.size()) {
    for (auto& inbox : inboxes_) inbox.resize(stages_);
    arriving_.resize(stages_);
    for (std::size_t stage = 0; stage < stages_; ++stage) count_joins(program, plan, StageId(stage));
  }

  /// @param lane  the place of the transfer's lane in kTransferLanes
  void send(StageId from, std::size_t lane, Transfer transfer) {
    const bool is_next = kTransferLanes[lane].to == Peer::next_stage;
    const std::size_t receiver = (from.at() + (is_next ? 1 : stages_ - 1)) % stages_;
    inboxes_[lane][receiver].push_back(transfer);
    arriving_[receiver].push_back(transfer);
  }
  /// The transfers of all lanes that were sent to the stage since the last call.
  /// @param seen  number of transfers returned by earlier calls; updated
  [[nodiscard]] std::span<const Transfer> under_way(StageId stage, std::size_t& seen) const {
    const auto fresh = std::span(arriving_[stage.at()]).subspan(seen);
    seen = arriving_[stage.at()].size();
    return fresh;
  }
  /// The k-th transfer that the stage receives on this lane; none if it has not been sent yet.
  [[nodiscard]] std::optional<Transfer> received(StageId stage, std::size_t lane, std::size_t k) const {
    const std::vector<Transfer>& inbox = inboxes_[lane][stage.at()];
    return k < inbox.size() ? std::optional(inbox[k]) : std::nullopt;
  }

  /// Notes that a stage is ready at `time` for the k-th collective of a queue.
  void arrive(std::size_t queue, std::size_t k, double time) {
    auto& meetings = meetings_[queue];
    if (meetings.size() <= k) meetings.resize(k + 1);
    ++meetings[k].there;
    meetings[k].last = std::max(meetings[k].last, time);
  }
  /// When the last stage was ready for the k-th collective of a queue; none if not all stages are.
  [[nodiscard]] std::optional<double> joined(std::size_t queue, std::size_t k) const {
    const Meeting& meeting = meetings_[queue][k];
    return meeting.there == stages_in_[queue] ? std::optional(meeting.last) : std::nullopt;
  }

 private:
  struct Meeting {
    std::size_t there = 0;
    double last = 0.0;
  };

  void count_joins(const StepProgram& program, const LanePlan& plan, StageId stage) {
    const std::vector<std::int64_t> block_calls = count_block_calls(program, stage);
    std::array<bool, kQueueCount> joins{};
    for (std::size_t block = 0; block < block_calls.size(); ++block) {
      if (block_calls[block] == 0) continue;
      for (const LaneOp& op : plan.ops_of(BlockId(block))) joins[op.queue] |= op.joins_stages;
    }
    for (std::size_t queue = 0; queue < kQueueCount; ++queue) stages_in_[queue] += joins[queue] ? 1U : 0U;
  }

  std::size_t stages_;
  std::array<std::vector<std::vector<Transfer>>, kTransferLanes.size()> inboxes_;  // by lane, receiving stage
  std::vector<std::vector<Transfer>> arriving_;                                    // by receiving stage
  std::array<std::vector<Meeting>, kQueueCount> meetings_;
  std::array<std::size_t, kQueueCount> stages_in_{};
};

}  // namespace foreshard
