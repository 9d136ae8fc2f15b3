#include "runtime/execute/send_holds.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "planner/program/dependencies/issued_ops.hpp"
#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/program/schedule/runs.hpp"

namespace foreshard {
namespace {

constexpr std::size_t kLanes = kTransferLanes.size();

/// The positions of one stage's transfers, by their lane's place in kTransferLanes. On each lane, the k-th send of a
/// stage matches the k-th receive of its neighbour.
struct StageTransfers {
  std::array<std::vector<std::size_t>, kLanes> sends;
  std::array<std::vector<std::size_t>, kLanes> receives;
  std::size_t operations = 0;
};

StageTransfers transfers_of(const StepProgram& program, std::size_t stage) {
  StageTransfers transfers;
  const std::vector<Run> runs = runs_of(program, StageId(stage));
  for (const IssuedOp& issued : issued_ops(program, runs)) {
    const Op& op = program.block(runs[issued.run].block_call.block).ops[issued.op];
    if (const std::optional<std::size_t> lane = transfer_place(op.lane)) {
      if (std::holds_alternative<Send>(op.kind)) transfers.sends[*lane].push_back(transfers.operations);
      if (std::holds_alternative<Recv>(op.kind)) transfers.receives[*lane].push_back(transfers.operations);
    }
    ++transfers.operations;
  }
  return transfers;
}

/// The first receive after position `sent` of a message that the partner sends after its position `received`.
std::size_t first_answer(const std::vector<std::size_t>& partner_sends, std::size_t received,
                         const std::vector<std::size_t>& receives, std::size_t sent) {
  // Both lists ascend, and their k-th entries are the same message. So the answer is the first index whose
  // entry is late enough in both lists.
  const auto behind = [](const std::vector<std::size_t>& positions, std::size_t position) {
    return std::upper_bound(positions.begin(), positions.end(), position) - positions.begin();
  };
  const auto answer =
      static_cast<std::size_t>(std::max(behind(partner_sends, received), behind(receives, sent)));
  return answer < receives.size() ? receives[answer] : std::numeric_limits<std::size_t>::max();
}

}  // namespace

std::unordered_map<std::size_t, std::size_t> send_holds(const StepProgram& program, StageId stage) {
  std::unordered_map<std::size_t, std::size_t> holds;
  const std::size_t stages = program.stages.size();
  if (stages == 1) return holds;
  const StageTransfers own = transfers_of(program, stage.at());
  const StageTransfers next = transfers_of(program, (stage.at() + 1) % stages);
  const StageTransfers previous = transfers_of(program, (stage.at() + stages - 1) % stages);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const StageTransfers& partner = kTransferLanes[lane].to == Peer::next_stage ? next : previous;
    for (std::size_t i = 0; i < own.sends[lane].size(); ++i) {
      const std::size_t sent = own.sends[lane][i];
      std::size_t until = own.operations - 1;
      for (std::size_t answer = 0; answer < kLanes; ++answer) {
        // With two stages, each is both the next and the previous stage of the other: answers come on every lane.
        if (stages > 2 && kTransferLanes[answer].to == kTransferLanes[lane].to) continue;
        until = std::min(until, first_answer(partner.sends[answer], partner.receives[lane][i],
                                             own.receives[answer], sent));
      }
      holds.emplace(sent, until);
    }
  }
  return holds;
}

}  // namespace foreshard
