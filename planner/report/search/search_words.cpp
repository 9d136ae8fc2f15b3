#include "planner/report/search/search_words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/search/space/axis_values.hpp"
#include "planner/spec/job/read_recompute.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::report {

std::string plan_choices(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  const TrainingSpec& t = job.training;
  std::string text = fmt::format("tp {}, pp {}", p.tp, p.pp);
  if (p.vp > 1) text += fmt::format(", vp {}", p.vp);
  if (p.cp > 1) text += fmt::format(", cp {}", p.cp);
  if (p.ep > 1) text += fmt::format(", ep {}", p.ep);
  if (p.ep > 1 && p.expert_tp() != p.tp) text += fmt::format(", etp {}", p.expert_tp());
  text += fmt::format(", dp {}", p.dp);
  if (p.zero > 0) text += fmt::format(", zero {}", p.zero);
  if (p.shard_copies() > 1) text += fmt::format(" over {}", *p.dp_shard);
  text += fmt::format(", micro-batch {}", t.micro_batch);
  if (t.recompute != Recompute::none) text += fmt::format(", recompute {}", recompute_words(t));
  if (t.precision != Precision::bf16) text += fmt::format(", {}", word_of(t.precision));
  if (t.offload.any()) text += fmt::format(", offload {}", offload_text(t.offload));
  if (p.pp > 1 && t.schedule != ScheduleKind::one_f_one_b && t.schedule != ScheduleKind::interleaved)
    text += fmt::format(", {}", word_of(t.schedule));
  if (p.pp > 1 && p.stage_policy == StagePolicy::by_cost) text += ", stages by-cost";
  if (p.tp > 1 && !p.sequence_parallel) text += ", no sequence parallelism";
  return text;
}

std::string loss_words(const Estimate& plan, const Estimate& first) {
  constexpr double kLeast = 0.005;
  constexpr std::size_t kMost = 3;
  const StepBreakdown& a = plan.step.breakdown;
  const StepBreakdown& b = first.step.breakdown;
  std::vector<std::pair<std::string_view, Seconds>> parts{{"compute", a.compute - b.compute},
                                                          {"tp", a.tp_exposed - b.tp_exposed},
                                                          {"cp", a.cp_exposed - b.cp_exposed},
                                                          {"ep", a.ep_exposed - b.ep_exposed},
                                                          {"pp", a.pp_exposed - b.pp_exposed},
                                                          {"dp", a.dp_exposed - b.dp_exposed},
                                                          {"bubble", a.bubble - b.bubble},
                                                          {"optimizer", a.optimizer - b.optimizer},
                                                          {"offload", a.offload_exposed - b.offload_exposed},
                                                          {"host", a.overhead - b.overhead}};
  const auto size = [](const auto& part) { return std::abs(part.second.value()); };
  std::stable_sort(parts.begin(), parts.end(),
                   [&](const auto& x, const auto& y) { return size(x) > size(y); });
  const Unit unit = time_unit(first.step.time);
  std::string text;
  for (std::size_t i = 0; i < kMost && size(parts[i]) >= kLeast * first.step.time.value(); ++i)
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", parts[i].first,
                        parts[i].second < Seconds(0.0) ? "−" : "+", in_unit(size(parts[i]), unit));
  return text.empty() ? text : text + " " + unit.name;
}

namespace {

struct ObjectiveName {
  std::string_view word;
  std::string_view words;
};
/// By SearchObjective.
constexpr auto kObjectives = std::to_array<ObjectiveName>({{"step-time", "step time"},
                                                           {"time-to-train", "time to train"},
                                                           {"tokens-per-dollar", "tokens per dollar"},
                                                           {"devices", "number of devices"},
                                                           {"memory-headroom", "free memory"}});

}  // namespace

std::string_view objective_words(SearchObjective objective) {
  return kObjectives[static_cast<std::size_t>(objective)].words;
}
std::string_view objective_word(SearchObjective objective) {
  return kObjectives[static_cast<std::size_t>(objective)].word;
}

}  // namespace foreshard::report
