#include "planner/search/best/plan_settings.hpp"

#include <string>
#include <variant>

#include <fmt/format.h>

#include "planner/spec/job/read_recompute.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/units/write_quantity.hpp"

namespace foreshard {
namespace {

std::string number(std::int64_t value) { return fmt::format("{}", value); }
std::string truth(bool value) { return value ? "true" : "false"; }

}  // namespace

std::vector<Setting> plan_settings(const JobSpec& plan) {
  const ParallelismSpec& p = plan.parallelism;
  const TrainingSpec& t = plan.training;
  const ClusterSpec& cluster = plan.cluster;
  std::vector<Setting> settings{
      {"cluster.nodes", number(cluster.nodes)},
      {"cluster.devices_per_node", number(cluster.devices_per_node + cluster.idle_per_node)},
      {"cluster.idle_per_node", number(cluster.idle_per_node)},
      {"parallelism.tp", number(p.tp)},
      {"parallelism.pp", number(p.pp)},
      {"parallelism.vp", number(p.vp)},
      {"parallelism.cp", number(p.cp)},
      {"parallelism.ep", number(p.ep)},
      {"parallelism.dp", number(p.dp)},
      {"parallelism.zero", number(p.zero)},
      {"parallelism.sequence_parallel", truth(p.sequence_parallel)},
      {"training.global_batch", number(t.global_batch)},
      {"training.micro_batch", number(t.micro_batch)},
      {"training.recompute", recompute_text(t)},
      {"training.schedule", std::string(word_of(t.schedule))},
      {"training.overlap.tp", std::string(word_of(t.overlap.tp))},
      {"training.overlap.pp", truth(t.overlap.pp)},
      {"training.overlap.dp", truth(t.overlap.dp)},
      {"training.overlap.gather", truth(t.overlap.gather)},
      {"training.precision", std::string(word_of(t.precision))}};
  if (t.offload.any()) {
    settings.push_back({"training.offload.optimizer", fmt::format("{}", t.offload.optimizer)});
    settings.push_back({"training.offload.weights", fmt::format("{}", t.offload.weights)});
    settings.push_back({"training.offload.activations", fmt::format("{}", t.offload.activations)});
  }
  // Said even where the plan leaves it out: the job's own file may say another one.
  if (plan.model.experts) settings.push_back({"parallelism.etp", number(p.expert_tp())});
  if (cluster.price) settings.push_back({"cluster.price_per_device_hour", write_quantity(*cluster.price)});
  settings.push_back({"parallelism.dp_shard", number(p.dp_shard.value_or(p.dp))});
  if (p.stage_policy != StagePolicy::listed)
    settings.push_back({"parallelism.stages", std::string(word_of(p.stage_policy))});
  if (plan.model.experts) settings.push_back({"training.dispatcher", std::string(word_of(t.dispatcher))});
  return settings;
}

std::vector<std::string> keys_left_out(const JobSpec& plan) {
  std::vector<std::string> keys;
  if (std::holds_alternative<AllLayers>(plan.training.recompute_layers))
    keys.emplace_back("training.recompute_layers");
  if (!plan.training.offload.any()) keys.emplace_back("training.offload");
  return keys;
}

}  // namespace foreshard
