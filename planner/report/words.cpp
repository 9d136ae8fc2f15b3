#include "planner/report/words.hpp"

#include "planner/frameworks/framework.hpp"
#include "planner/program/passes/quantiser_rules.hpp"
#include "planner/report/format.hpp"

namespace foreshard::report {

std::string_view fabric_name(NodeFabric fabric) {
  switch (fabric) {
    case NodeFabric::nvswitch: return "NVSwitch";
    case NodeFabric::mesh: return "mesh links";
    case NodeFabric::pcie: return "PCIe";
    case NodeFabric::shared_memory: return "shared memory";
    case NodeFabric::none: return "node";
  }
  return "";
}

DType stored_weight_dtype(const JobSpec& job) {
  if (job.lora) {
    switch (job.lora->base) {
      case LoraBase::bf16: break;
      case LoraBase::nf4: return DType::nf4;
      case LoraBase::int8: return DType::uint8;
      case LoraBase::fp8: return DType::fp8;
    }
  }
  const ParallelismSpec& p = job.parallelism;
  const bool cut = p.zero == 3 && p.dp * p.cp > 1;
  const bool cut_in_fp32 =
      cut && job.training.states.master == MasterWeights::fp32 && !job.conventions().fp32_master_weights;
  return cut_in_fp32 ? DType::fp32 : weight_dtype(job.training.precision);
}

std::string stored_weight_words(const JobSpec& job) {
  std::string words(word_of(stored_weight_dtype(job)));
  const std::optional<QuantiserRules> rules = quantiser_rules(job);
  if (!rules) return words;
  const bool are_cut = job.parallelism.zero == 3;
  if (rules->parameter_gather && !are_cut) return std::string(word_of(rules->format));
  const bool keeps_copies = are_cut ? rules->parameter_gather : rules->keeps_weight_copies;
  if (keeps_copies) words += " + " + std::string(word_of(rules->format));
  return words;
}

DType weight_dtype(Precision precision) { return storage_type(precision); }

std::string device_word(const JobSpec& job) { return job.cluster.accelerator.is_cpu ? "device" : "GPU"; }

std::string devices(const JobSpec& job, std::int64_t number) { return counted(number, device_word(job)); }

std::string counted(std::int64_t number, std::string_view noun, std::string_view ending) {
  std::string text = grouped(number) + " " + std::string(noun);
  if (number != 1) text += ending;
  return text;
}

}  // namespace foreshard::report
