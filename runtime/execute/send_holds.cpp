#include "runtime/execute/send_holds.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "planner/program/dependencies/issued_ops.hpp"
#include "planner/program/schedule/runs.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

/// The positions of one stage's transfers, by direction. In each direction, the k-th send of a stage matches
/// the k-th receive of its neighbour.
struct StageTransfers {
  std::array<std::vector<std::size_t>, 2> sends;
  std::array<std::vector<std::size_t>, 2> receives;
  std::size_t operations = 0;
};

constexpr std::size_t kForward = 0;   // to the next stage
constexpr std::size_t kBackward = 1;  // to the previous stage

StageTransfers transfers_of(const StepProgram& program, std::size_t stage) {
  StageTransfers transfers;
  const std::vector<Run> runs = runs_of(program, StageId(stage));
  for (const IssuedOp& issued : issued_ops(program, runs)) {
    const Op& op = program.block(runs[issued.run].block_call.block).ops[issued.op];
    const std::size_t way = op.lane == Lane::pp_forward ? kForward : kBackward;
    if (const std::optional<Communication> communication = communication_of(op)) {
      std::visit(overloaded{[](const Collective&) {},
                            [&](const Send&) { transfers.sends[way].push_back(transfers.operations); },
                            [&](const Recv&) { transfers.receives[way].push_back(transfers.operations); }},
                 *communication);
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
  for (const std::size_t way : {kForward, kBackward}) {
    const std::size_t to = (stage.at() + (way == kForward ? 1 : stages - 1)) % stages;
    const StageTransfers partner = transfers_of(program, to);
    // With two stages, each is both the next and the previous stage of the other, so answers come in both
    // directions.
    std::vector<std::size_t> answering{1 - way};
    if (stages == 2) answering.push_back(way);
    for (std::size_t i = 0; i < own.sends[way].size(); ++i) {
      const std::size_t sent = own.sends[way][i];
      std::size_t until = own.operations - 1;
      for (const std::size_t answer : answering) {
        until = std::min(
            until, first_answer(partner.sends[answer], partner.receives[way][i], own.receives[answer], sent));
      }
      holds.emplace(sent, until);
    }
  }
  return holds;
}

}  // namespace foreshard
