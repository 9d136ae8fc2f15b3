#include "sim/step/deadlock_report.hpp"

#include <fmt/format.h>

#include "sim/step/rank_lanes.hpp"
#include "sim/step/task_label.hpp"

namespace foreshard {

namespace {

/// Writes the tasks and ranks of a stuck engine as text.
class Words {
 public:
  Words(const StepProgram& program, const ProgramPlan& plan, const std::vector<ScriptWriter>& scripts,
        const RankLayout& layout, const Engine& engine)
      : program_(program), plan_(plan), scripts_(scripts), layout_(layout), engine_(engine) {}

  [[nodiscard]] std::string line(LaneId lane) const {
    const std::string who =
        fmt::format("{}: {}", name(rank_of(lane)), task(rank_of(lane), *engine_.head(lane)));
    if (const auto wait = engine_.waiting_for(lane))
      return fmt::format("{} waits for {}\n", who, awaited(rank_of(lane), *wait));
    return fmt::format("{} waits for {}\n", who, missing_members(lane));
  }

 private:
  /// "stage 1" if one place stands for all ranks of a stage, else "rank 9".
  [[nodiscard]] std::string name(std::size_t rank) const {
    return fmt::format("{} {}", layout_.is_folded ? "stage" : "rank", rank);
  }

  [[nodiscard]] std::string task(std::size_t rank, const Task& task) const {
    const OpPlan& planned = plan_.ops[TaskLabel::unpacked(task.label).op];
    const Block& block = program_.block(planned.block);
    const Run& run = scripts_[layout_.places[rank].stage.at()].script().runs[task.sublabel];
    std::string text = fmt::format("\"{}\" of \"{}\" (layer {}", block.ops[planned.op.at()].name, block.name,
                                   run.block_call.layer.value());
    if (run.in_slot) text += fmt::format(", micro-batch {}", run.micro_batch.value());
    if (run.in_slot && run.chunk.value() > 0) text += fmt::format(", chunk {}", run.chunk.value());
    return text + ")";
  }

  [[nodiscard]] std::string awaited(std::size_t rank, const Engine::Awaited& wait) const {
    const std::size_t other = rank_of(wait.lane);
    const TaskId id{wait.lane, wait.count - 1};
    if (const Task* known = engine_.task(id)) {
      const std::string of = other == rank ? "" : name(other) + "'s ";
      return of + task(other, *known);
    }
    return fmt::format("{} {} of {} on lane {}, which never comes",
                       is_send_lane(rank_lane(wait.lane)) ? "send" : "task", wait.count, name(other),
                       to_string(program_lane(rank_lane(wait.lane))));
  }

  /// Lists the ranks for which a collective still waits.
  [[nodiscard]] std::string missing_members(LaneId lane) const {
    std::string text;
    for (const LaneId member : engine_.joined_with(lane)) {
      if (engine_.has_arrived(member)) continue;
      const char* state = engine_.head(member) != nullptr ? "is not ready" : "has no such call";
      text += fmt::format("{}{}, which {}", text.empty() ? "" : " and ", name(rank_of(member)), state);
    }
    return text;
  }

  const StepProgram& program_;
  const ProgramPlan& plan_;
  const std::vector<ScriptWriter>& scripts_;
  const RankLayout& layout_;
  const Engine& engine_;
};

}  // namespace

std::string deadlock_report(const StepProgram& program, const ProgramPlan& plan,
                            const std::vector<ScriptWriter>& scripts, const RankLayout& layout,
                            const Engine& engine) {
  const Words words(program, plan, scripts, layout, engine);
  std::string report = fmt::format("the step of \"{}\" is stuck after {:.6g} s:\n", program.name,
                                   engine.now().seconds().value());
  constexpr std::size_t kMost = 40;
  std::size_t stuck = 0;
  for (std::size_t index = 0; index < engine.lanes(); ++index) {
    const LaneId lane(index);
    if (engine.head(lane) != nullptr && ++stuck <= kMost) report += words.line(lane);
  }
  if (stuck > kMost) report += fmt::format("and {} more\n", stuck - kMost);
  report.pop_back();
  return report;
}

}  // namespace foreshard
