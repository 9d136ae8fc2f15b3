#include "planner/search/setting.hpp"

#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

#include "planner/spec/job/read_recompute.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard {
namespace {

std::string text_of(const std::string& value) { return value; }
std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(std::int64_t value) { return fmt::format("{}", value); }
std::string text_of(double value) { return fmt::format("{}", value); }
std::string text_of(int value) { return fmt::format("{}", value); }
template <class Enum>
requires std::is_enum_v<Enum> std::string text_of(Enum value) { return std::string(word_of(value)); }

/// Collects the keys that differ, in the order in which an expert would name them.
class Differences {
 public:
  template <class Value>
  void add(std::string_view key, const Value& base, const Value& changed) {
    if (base != changed) settings_.push_back({std::string(key), text_of(changed)});
  }
  std::vector<Setting> take() { return std::move(settings_); }

 private:
  std::vector<Setting> settings_;
};

}  // namespace

std::vector<Setting> settings_between(const JobSpec& base, const JobSpec& changed) {
  Differences settings;
  const ParallelismSpec& a = base.parallelism;
  const ParallelismSpec& b = changed.parallelism;
  const TrainingSpec& s = base.training;
  const TrainingSpec& t = changed.training;
  settings.add("cluster.nodes", base.cluster.nodes, changed.cluster.nodes);
  settings.add("cluster.devices_per_node", base.cluster.devices_per_node, changed.cluster.devices_per_node);
  settings.add("parallelism.zero", a.zero, b.zero);
  settings.add("training.expandable_segments", s.expandable_segments, t.expandable_segments);
  settings.add("training.gradient_dtype", s.gradient_dtype, t.gradient_dtype);
  settings.add("training.loss.chunks", s.loss.chunks, t.loss.chunks);
  settings.add("training.recompute", recompute_text(s), recompute_text(t));
  if (s.recompute_layers != t.recompute_layers)
    settings.add("training.recompute_layers", recompute_layers_text(s.recompute_layers),
                 recompute_layers_text(t.recompute_layers));
  settings.add("training.micro_batch", s.micro_batch, t.micro_batch);
  settings.add("training.optimizer", s.optimizer, t.optimizer);
  settings.add("training.states.master", s.states.master, t.states.master);
  settings.add("training.states.paged", s.states.paged, t.states.paged);
  settings.add("training.optimizer_in_backward", s.optimizer_in_backward, t.optimizer_in_backward);
  settings.add("training.optimizer_post_validation", s.optimizer_post_validation,
               t.optimizer_post_validation);
  settings.add("training.states.moments", s.states.moments, t.states.moments);
  settings.add("training.offload.optimizer", s.offload.optimizer, t.offload.optimizer);
  settings.add("training.offload.activations", s.offload.activations, t.offload.activations);
  settings.add("parallelism.tp", a.tp, b.tp);
  settings.add("parallelism.sequence_parallel", a.sequence_parallel, b.sequence_parallel);
  settings.add("parallelism.cp", a.cp, b.cp);
  settings.add("parallelism.pp", a.pp, b.pp);
  settings.add("parallelism.vp", a.vp, b.vp);
  settings.add("parallelism.stages", a.stage_policy, b.stage_policy);
  settings.add("training.schedule", s.schedule, t.schedule);
  settings.add("parallelism.ep", a.ep, b.ep);
  settings.add("parallelism.dp", a.dp, b.dp);
  return settings.take();
}

}  // namespace foreshard
