#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "planner/program/block_names.hpp"
#include "planner/program/check/check_parts.hpp"
#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/program/schedule/runs.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

// ---- Schedules.

void check_stage_order(const StepProgram& program, std::size_t number, Problems& problems) {
  const StageProgram& stage = program.stages[number];
  /// How often each pass of one (chunk, micro-batch) runs, and whether one came too early.
  struct Passes {
    int forward = 0;
    int backward = 0;
    int weight = 0;
    bool backward_first = false;
    bool weight_first = false;
  };
  std::map<std::pair<ChunkId, MicroBatch>, Passes> all;
  for (std::size_t chunk = 0; chunk < stage.chunks.size(); ++chunk) {
    for (std::int32_t i = 0; i < program.micro_batches; ++i) all[{ChunkId(chunk), MicroBatch(i)}];
  }
  for (std::size_t s = 0; s < stage.order.size(); ++s) {
    if (!stage.order[s].in_turns) continue;
    const bool is_behind_forward = s > 0 && stage.order[s - 1].pass == Pass::forward;
    if (stage.order[s].pass != Pass::backward || !is_behind_forward)
      problems.push_back(fmt::format(
          "stage {}: slot {} of the order is issued in turns, but is no backward pass behind a forward pass",
          number, s));
  }
  for (const Slot& slot : stage.order) {
    Passes& passes = all[{slot.chunk, slot.micro_batch}];
    if (slot.pass == Pass::backward && passes.forward == 0) passes.backward_first = true;
    if (slot.pass == Pass::weight && passes.backward == 0) passes.weight_first = true;
    switch (slot.pass) {
      case Pass::forward: ++passes.forward; break;
      case Pass::backward: ++passes.backward; break;
      case Pass::weight: ++passes.weight; break;
      case Pass::once: break;  // check_structure has none of these in an order
    }
  }
  for (const auto& [which, passes] : all) {
    const std::string where =
        fmt::format("stage {}: chunk {}, micro-batch {}", number, which.first.value(), which.second.value());
    if (passes.forward != 1) {
      problems.push_back(fmt::format("{} runs forward {} times, not once", where, passes.forward));
    }
    if (passes.backward != 1) {
      problems.push_back(fmt::format("{} runs backward {} times, not once", where, passes.backward));
    }
    const bool splits = !stage.chunks[which.first.at()].weight.empty();
    if (passes.weight != (splits ? 1 : 0)) {
      problems.push_back(
          fmt::format("{} runs its weight pass {} times, {}", where, passes.weight,
                      splits ? "not once" : "but its weight gradients are part of its backward pass"));
    }
    if (passes.forward == 1 && passes.backward_first) {
      problems.push_back(fmt::format("{} runs backward before forward", where));
    }
    if (passes.backward == 1 && passes.weight_first) {
      problems.push_back(fmt::format("{} runs its weight pass before backward", where));
    }
  }
}

// ---- Communication between stages.

/// One communication that a stage runs, with its block and operation.
struct Call {
  const Block* block = nullptr;
  const Op* op = nullptr;
  Run run;
};

/// The communication of one stage with other stages, each list in program order.
struct StageCalls {
  std::map<GroupKind, std::vector<Call>> collectives;
  std::map<Lane, std::vector<Call>> sends;
  std::map<Lane, std::vector<Call>> receives;
};

StageCalls calls_of(const StepProgram& program, StageId stage) {
  StageCalls calls;
  for (const Run& run : runs_of(program, stage)) {
    const Block& block = program.block(run.block_call.block);
    for (const Op& op : block.ops) {
      const Call call{&block, &op, run};
      const std::optional<Communication> communication = communication_of(op);
      if (!communication) continue;
      std::visit(overloaded{[&](const Collective& collective) {
                              calls.collectives[collective.group].push_back(call);
                            },
                            [&](const Send&) { calls.sends[op.lane].push_back(call); },
                            [&](const Recv&) { calls.receives[op.lane].push_back(call); }},
                 *communication);
    }
  }
  return calls;
}

std::string words_for(const Call& call) {
  const auto& collective = std::get<Collective>(call.op->kind);
  return fmt::format("{} ({}) of {} bytes in {}", kind_name(collective), name_of(collective.reduction),
                     collective.payload.value(), place_of(*call.block, *call.op));
}

bool are_alike(const Call& a, const Call& b) {
  const auto& left = std::get<Collective>(a.op->kind);
  const auto& right = std::get<Collective>(b.op->kind);
  return left.kind == right.kind && left.reduction == right.reduction && left.payload == right.payload;
}

void compare_collectives(GroupKind group, std::size_t first, const std::vector<Call>& expected,
                         std::size_t stage, const std::vector<Call>& found, Problems& problems) {
  for (std::size_t i = 0; i < std::min(expected.size(), found.size()); ++i) {
    if (are_alike(expected[i], found[i])) continue;
    problems.push_back(fmt::format("group {}: at position {}, stage {} calls {}, but stage {} calls {}",
                                   name_of(group), i, first, words_for(expected[i]), stage,
                                   words_for(found[i])));
    return;
  }
  if (expected.size() != found.size()) {
    problems.push_back(fmt::format("group {}: stage {} calls {} collectives, but stage {} calls {}",
                                   name_of(group), first, expected.size(), stage, found.size()));
  }
}

/// Checks the collectives of groups that span stages. The members of all other groups belong to one stage and
/// run the same program, so they always agree.
void check_collectives(std::vector<StageCalls>& stages, const StepProgram& program, Problems& problems) {
  const std::size_t last = stages.size() - 1;
  // The tied group is the first stage and the one whose distance its stride says.
  const auto table_copy =
      static_cast<std::size_t>(program.group(GroupKind::tied).stride / program.group(GroupKind::pp).stride);
  for (const GroupKind group : {GroupKind::pp, GroupKind::world, GroupKind::tied}) {
    for (std::size_t stage = 1; stage <= last; ++stage) {
      if (group == GroupKind::tied && stage != table_copy) {
        if (!stages[stage].collectives[group].empty()) {
          problems.push_back(
              fmt::format("group tied: stage {} calls {}, but only the stages 0 and {} are members", stage,
                          words_for(stages[stage].collectives[group].front()), table_copy));
        }
        continue;
      }
      compare_collectives(group, 0, stages[0].collectives[group], stage, stages[stage].collectives[group],
                          problems);
    }
  }
}

std::string words_for_transfer(const Call& call, Bytes payload) {
  return fmt::format("{} bytes of layer {}, micro-batch {}", payload.value(),
                     call.run.block_call.layer.value(), call.run.micro_batch.value());
}

void check_channel(std::size_t from, const std::vector<Call>& sends, std::size_t to,
                   const std::vector<Call>& receives, Problems& problems) {
  for (std::size_t i = 0; i < std::min(sends.size(), receives.size()); ++i) {
    const std::string sent = words_for_transfer(sends[i], std::get<Send>(sends[i].op->kind).payload);
    const std::string received =
        words_for_transfer(receives[i], std::get<Recv>(receives[i].op->kind).payload);
    if (sent != received) {
      problems.push_back(fmt::format("transfer {} from stage {} to stage {}: {} sends {}, but {} receives {}",
                                     i, from, to, place_of(*sends[i].block, *sends[i].op), sent,
                                     place_of(*receives[i].block, *receives[i].op), received));
      return;
    }
  }
  if (sends.size() != receives.size()) {
    problems.push_back(fmt::format("stage {} sends {} times to stage {}, which receives {} times", from,
                                   sends.size(), to, receives.size()));
  }
}

/// Checks the transfers between neighbours. The stages form a ring: interleaved schedules go from the last
/// stage to the first.
void check_transfers(std::vector<StageCalls>& stages, Problems& problems) {
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    for (const auto& [lane, to] : kTransferLanes) {
      const std::size_t receiver = (stage + (to == Peer::next_stage ? 1 : stages.size() - 1)) % stages.size();
      check_channel(stage, stages[stage].sends[lane], receiver, stages[receiver].receives[lane], problems);
    }
  }
}

}  // namespace

void check_schedule(const StepProgram& program, Problems& problems) {
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    check_stage_order(program, stage, problems);
  }
}

void check_communication(const StepProgram& program, Problems& problems) {
  std::vector<StageCalls> stages;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    stages.push_back(calls_of(program, StageId(stage)));
  }
  check_collectives(stages, program, problems);
  check_transfers(stages, problems);
}

}  // namespace foreshard
