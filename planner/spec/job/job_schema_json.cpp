#include "planner/spec/job/job_schema_json.hpp"

#include <map>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "planner/spec/accelerator/confidence_yaml.hpp"
#include "planner/spec/accelerator/host_yaml.hpp"
#include "planner/spec/accelerator/nccl_yaml.hpp"
#include "planner/spec/accelerator/read_accelerator.hpp"
#include "planner/spec/accelerator/read_kernels.hpp"
#include "planner/spec/cluster/read_cluster.hpp"
#include "planner/spec/job/read_documents.hpp"
#include "planner/spec/job/read_job.hpp"
#include "planner/spec/job/read_recompute.hpp"
#include "planner/spec/job/read_training.hpp"
#include "planner/spec/model/read_imbalance.hpp"
#include "planner/spec/model/read_layer_kinds.hpp"
#include "planner/spec/model/read_mixers.hpp"
#include "planner/spec/model/read_model.hpp"
#include "planner/spec/model/read_mtp.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard {

namespace {

using Json = nlohmann::ordered_json;
/// The schema of the value of each key.
using Forms = std::map<std::string_view, Json>;

Json whole(std::int64_t least = 1) { return {{"type", "integer"}, {"minimum", least}}; }
Json number() { return {{"type", "number"}}; }
Json boolean() { return {{"type", "boolean"}}; }
Json text() { return {{"type", "string"}}; }
/// The schema of a number with its unit, such as "80 GiB".
Json quantity() { return {{"type", "string"}, {"pattern", "^[0-9]"}}; }
Json any_of(std::vector<Json> forms) { return {{"anyOf", std::move(forms)}}; }

template <class E>
Json word() {
  Json words = Json::array();
  for (const Named<E>& named : kWords<E>) words.push_back(std::string(named.word));
  return {{"type", "string"}, {"enum", std::move(words)}};
}
Json word(std::vector<std::string> words) { return {{"type", "string"}, {"enum", std::move(words)}}; }

/// A default value as JSON: 1 is a number, true a boolean, bf16 and 0 us are text.
Json scalar(std::string_view written) {
  return Json::accept(written) ? Json::parse(written) : Json(std::string(written));
}

/// The schema of a map with the keys of a reader's table. Every key must have a form and every form a key.
Json map(KeyTable keys, Forms forms, const std::vector<std::string>& required = {}) {
  Json properties = Json::object();
  for (const KeyInfo& info : keys) {
    const auto form = forms.find(info.key);
    if (form == forms.end()) throw std::logic_error("the schema says nothing of " + std::string(info.key));
    Json described = {{"description", std::string(info.description)}};
    described.update(form->second);
    if (!info.default_value.empty()) described["default"] = scalar(info.default_value);
    properties[std::string(info.key)] = std::move(described);
    forms.erase(form);
  }
  if (!forms.empty()) throw std::logic_error("no reader knows " + std::string(forms.begin()->first));
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

/// The forms of the keys that model.attention and the attention of a kind have in common.
Forms attention_options() {
  const Json indexer = map(indexer_keys(),
                           {{"kind", word<IndexerKind>()},
                            {"heads", whole()},
                            {"head_dim", whole()},
                            {"top_k", whole()},
                            {"block", whole()}},
                           {"heads", "head_dim", "top_k"});
  return {{"rotary_dim", whole()},
          {"chunk", whole()},
          {"gate", word<OutputGate>()},
          {"values_are_keys", boolean()},
          {"v_norm", boolean()},
          {"v_head_dim", whole()},
          {"compression", any_of({whole(2), word({"none"})})},
          {"indexer", any_of({indexer, word({"shared", "none"})})}};
}

Json model_attention() {
  Forms forms = attention_options();
  forms.insert({{"kind", word({"mla", "compressed", "softmax"})},
                {"q_rank", whole(0)},
                {"kv_rank", whole()},
                {"nope_head_dim", whole()},
                {"rope_head_dim", whole(0)},
                {"output_rank", whole()},
                {"output_groups", whole()}});
  return map(model_attention_keys(), forms, {"kind"});
}

Json experts() {
  const Json loads = {{"type", "array"}, {"items", number()}};
  const Json by_expert = map(imbalance_keys(), {{"spread", number()}, {"experts", loads}, {"ranks", loads}});
  return map(experts_keys(),
             {{"count", whole()},
              {"per_token", whole()},
              {"hidden", whole()},
              {"shared_hidden", whole(0)},
              {"dense_layers", whole(0)},
              {"imbalance", any_of({number(), loads, by_expert})},
              {"score_bias", boolean()},
              {"groups", whole()},
              {"groups_per_token", whole()},
              {"latent", whole()},
              {"shared_gate", boolean()},
              {"own_norms", boolean()}},
             {"count", "per_token", "hidden"});
}

Json layer_kind() {
  Forms attention = attention_options();
  attention.insert({{"window", any_of({whole(), word({"none"})})},
                    {"heads", whole()},
                    {"kv_heads", whole()},
                    {"head_dim", whole()},
                    {"positions", word({"rope", "none"})},
                    {"qk_norm", boolean()},
                    {"attention_sinks", boolean()}});
  const Json mamba2 = map(mamba2_keys(),
                          {{"heads", whole()},
                           {"head_dim", whole()},
                           {"groups", whole()},
                           {"state_dim", whole()},
                           {"conv_kernel", whole()},
                           {"chunk", whole()},
                           {"conv_bias", boolean()},
                           {"projection_bias", boolean()}},
                          {"heads", "head_dim", "state_dim"});
  const Json net = map(gated_delta_net_keys(),
                       {{"key_heads", whole()},
                        {"value_heads", whole()},
                        {"key_head_dim", whole()},
                        {"value_head_dim", whole()},
                        {"conv_kernel", whole()},
                        {"chunk", whole()}},
                       {"key_heads", "value_heads", "key_head_dim", "value_head_dim"});
  const Json delta = map(kimi_delta_keys(),
                         {{"heads", whole()},
                          {"head_dim", whole()},
                          {"conv_kernel", whole()},
                          {"chunk", whole()},
                          {"decay_rank", whole()},
                          {"gate_rank", whole(0)},
                          {"gate_bias", boolean()}},
                         {"heads", "head_dim"});
  return map(layer_kind_keys(), {{"mixer", word<MixerKind>()},
                                 {"ffn", word<FeedForward>()},
                                 {"ffn_hidden", whole()},
                                 {"routing", word({"scores", "hash"})},
                                 {"attention", map(kind_attention_keys(), attention)},
                                 {"mamba2", mamba2},
                                 {"gated-delta-net", net},
                                 {"kimi-delta", delta}});
}

Json model() {
  const Json layer_kinds = {{"type", "object"}, {"additionalProperties", layer_kind()}};
  const Json count = {{"type", "object"}, {"additionalProperties", whole()}};
  const Json pattern = {{"type", "array"}, {"items", any_of({text(), count})}};
  const Json names = {{"type", "array"}, {"items", text()}};
  const Json mtp = map(mtp_keys(), {{"layers", whole()}, {"pattern", names}}, {"layers"});
  const Json hyper = map(hyper_keys(), {{"streams", whole(2)}}, {"streams"});
  const Json rule = map(ffn_rule_keys(), {{"multiple_of", whole()}, {"multiplier", number()}});
  return map(model_keys(), {{"name", text()},
                            {"layers", whole()},
                            {"hidden", whole()},
                            {"ffn_hidden", any_of({whole(), rule})},
                            {"ffn", word<FfnKind>()},
                            {"heads", whole()},
                            {"kv_heads", whole()},
                            {"head_dim", whole()},
                            {"vocab", whole()},
                            {"vocab_multiple", whole()},
                            {"tied_embeddings", boolean()},
                            {"norm", word<NormKind>()},
                            {"norms_per_layer", {{"type", "integer"}, {"enum", {1, 2, 4}}}},
                            {"parallel_residual", boolean()},
                            {"biases", word<Biases>()},
                            {"qk_norm", boolean()},
                            {"qk_norm_whole", boolean()},
                            {"attention_sinks", boolean()},
                            {"positions", word<Positions>()},
                            {"max_positions", whole(0)},
                            {"causal", boolean()},
                            {"window", whole()},
                            {"attention", model_attention()},
                            {"experts", experts()},
                            {"layer_kinds", layer_kinds},
                            {"pattern", pattern},
                            {"left_out", {{"type", "array"}, {"items", text()}}},
                            {"mtp", mtp},
                            {"hyper_connections", hyper},
                            {"source", text()},
                            {"notes", text()}});
}

Json link(KeyTable keys, const std::vector<std::string>& required = {}) {
  return map(
      keys,
      {{"bandwidth", quantity()}, {"efficiency", number()}, {"latency", quantity()}, {"source", text()}},
      required);
}

Json nccl() {
  return map(nccl_keys(), {{"generation", word<NcclGeneration>()},
                           {"nvls_bandwidth", quantity()},
                           {"fixed", quantity()},
                           {"source", text()}});
}

Json kernels() {
  Forms fractions;
  for (const KeyInfo& info : memory_fraction_keys()) fractions[info.key] = number();
  return map(kernels_keys(),
             {{"gemm_fixed", quantity()},
              {"gemm_k_prologue", whole(0)},
              {"gemm_accumulate", number()},
              {"grouped_efficiency", number()},
              {"grouped_efficiency_fp8", number()},
              {"grouped_fixed", quantity()},
              {"memory_efficiency", number()},
              {"memory_half_size", quantity()},
              {"memory_fraction", map(memory_fraction_keys(), fractions)},
              {"launch", quantity()},
              {"graph_launch", quantity()},
              {"submit", quantity()},
              {"communication_share", number()},
              {"device_spread", number()},
              {"spread", number()},
              {"source", text()}},
             {"gemm_fixed", "memory_efficiency", "memory_half_size", "launch", "spread"});
}

Json attention() {
  Forms constants;
  for (const KeyInfo& info : attention_rate_keys()) constants[info.key] = number();
  const Json rate = map(attention_rate_keys(), constants, {"efficiency"});
  const Json version =
      map(flash_keys(), {{"forward", rate}, {"backward", rate}, {"in_step", number()}, {"source", text()}},
          {"forward", "backward"});
  Forms versions;
  for (const Named<FlashVersion>& named : kWords<FlashVersion>) versions[named.word] = version;
  versions["source"] = text();
  return map(attention_keys(), versions);
}

Json fits() {
  const Json fit = map(fit_keys(),
                       {{"data", text()},
                        {"fitted", boolean()},
                        {"kernels", whole()},
                        {"mean_error", number()},
                        {"spread", number()}},
                       {"data", "fitted", "kernels", "mean_error", "spread"});
  return {{"type", "array"}, {"items", fit}};
}

Json confidence() {
  Forms groups;
  for (const KeyInfo& info : confidence_keys()) groups[info.key] = word<Confidence>();
  return map(confidence_keys(), groups);
}

Json host() {
  const Json to_device =
      map(host_link_keys(),
          {{"bandwidth", quantity()}, {"efficiency", number()}, {"latency", quantity()}, {"source", text()}});
  return map(host_keys(), {{"memory", quantity()},
                           {"memory_bandwidth", quantity()},
                           {"memory_efficiency", number()},
                           {"link", to_device},
                           {"source", text()}});
}

Json accelerator() {
  const Json rate =
      map(gemm_rate_keys(), {{"peak", quantity()}, {"efficiency", number()}, {"source", text()}},
          {"peak", "efficiency"});
  Forms rates;
  for (const KeyInfo& info : gemm_keys()) rates[info.key] = rate;
  const Json memory =
      map(memory_keys(), {{"capacity", quantity()}, {"bandwidth", quantity()}, {"source", text()}},
          {"capacity", "bandwidth"});
  const Json multiprocessors =
      map(multiprocessors_keys(), {{"count", whole()}, {"source", text()}}, {"count"});
  const Json usual_link = link(link_keys(), {"bandwidth", "latency"});
  const Json node = map(node_keys(),
                        {{"devices", whole()},
                         {"fabric", word<NodeFabric>()},
                         {"link", usual_link},
                         {"network", usual_link},
                         {"nccl", nccl()},
                         {"host", host()},
                         {"source", text()}},
                        {"devices", "network"});
  return map(accelerator_keys(),
             {{"name", text()},
              {"full_name", text()},
              {"kind", word({"gpu", "cpu"})},
              {"memory", memory},
              {"multiprocessors", multiprocessors},
              {"gemm", map(gemm_keys(), rates)},
              {"kernels", kernels()},
              {"attention", attention()},
              {"flash", word<FlashVersion>()},
              {"fits", fits()},
              {"confidence", confidence()},
              {"node", node},
              {"price", map(price_keys(), {{"per_hour", quantity()}, {"source", text()}}, {"per_hour"})},
              {"power", map(power_keys(), {{"per_device", quantity()}, {"source", text()}}, {"per_device"})},
              {"source", text()},
              {"notes", text()}},
             {"memory", "multiprocessors", "gemm", "kernels", "node"});
}

Json cluster() {
  const Json network = map(network_keys(), {{"bandwidth_per_device", quantity()},
                                            {"latency", quantity()},
                                            {"efficiency", number()},
                                            {"topology", word<Topology>()},
                                            {"reached", quantity()},
                                            {"oversubscription", number()},
                                            {"source", text()}});
  return map(cluster_keys(), {{"name", text()},
                              {"accelerator", any_of({text(), accelerator()})},
                              {"devices_per_node", whole()},
                              {"idle_per_node", whole()},
                              {"nodes", whole()},
                              {"fabric", word<NodeFabric>()},
                              {"link", link(cluster_link_keys())},
                              {"nccl", nccl()},
                              {"network", network},
                              {"host", host()},
                              {"price_per_device_hour", quantity()},
                              {"power_per_device", quantity()},
                              {"source", text()},
                              {"notes", text()}});
}

Json parallelism() {
  const Json listed = {{"type", "array"}, {"items", whole(0)}};
  const Json layout = {{"type", "string"}, {"pattern", "\\|"}};
  return map(parallelism_keys(), {{"tp", whole()},
                                  {"pp", whole()},
                                  {"vp", whole()},
                                  {"cp", whole()},
                                  {"ep", whole()},
                                  {"etp", whole()},
                                  {"dp", any_of({whole(), word({"auto"})})},
                                  {"sequence_parallel", boolean()},
                                  {"zero", {{"type", "integer"}, {"enum", {0, 1, 2, 3}}}},
                                  {"dp_shard", whole()},
                                  {"zero_quantized_weights", boolean()},
                                  {"zero_quantized_gradients", boolean()},
                                  {"zero_hpz", whole()},
                                  {"cp_style", word<CpStyle>()},
                                  {"stages", any_of({word({"even", "by-cost"}), listed, layout})}});
}

Json training() {
  const Json overlap = map(overlap_keys(), {{"tp", word<TpOverlap>()},
                                            {"dp", boolean()},
                                            {"pp", boolean()},
                                            {"cp", boolean()},
                                            {"ep", any_of({boolean(), word({"none", "shared", "1f1b"})})},
                                            {"gather", boolean()}});
  const Json capacity =
      any_of({number(), map(capacity_keys(), {{"factor", number()}, {"pad", boolean()}}, {"factor"})});
  const Json failures = map(failure_keys(),
                            {{"mtbf_per_device", quantity()},
                             {"checkpoint_write", quantity()},
                             {"restart", quantity()},
                             {"checkpoint_interval", quantity()},
                             {"repair", quantity()}},
                            {"mtbf_per_device", "checkpoint_write", "restart"});
  const Json modules = {{"type", "array"}, {"items", word<RecomputeModule>()}};
  const Json counts = {{"type", "array"}, {"items", whole(0)}};
  const Json lengths = {{"type", "array"}, {"items", whole()}};
  const Json documents = map(documents_keys(), {{"mean", whole()},
                                                {"sigma", number()},
                                                {"lengths", lengths},
                                                {"drawn", boolean()},
                                                {"packed", boolean()}});
  const Json recompute_layers =
      map(recompute_layers_keys(), {{"every", whole()}, {"first", whole()}, {"share", number()}});
  return map(
      training_keys(),
      {{"sequence_length", whole()},
       {"global_batch", whole()},
       {"micro_batch", whole()},
       {"precision", word<Precision>()},
       {"attention", word<AttentionKind>()},
       {"flash", word<FlashVersion>()},
       {"compiled", boolean()},
       {"fused_kernels", boolean()},
       {"dropout", boolean()},
       {"gradient_dtype", word({"fp32", "bf16"})},
       {"fp8_scaling", word<Fp8Scaling>()},
       {"fp8_parameter_gather", boolean()},
       {"attention_precision", word<AttentionPrecision>()},
       {"bf16_layers", map(bf16_layers_keys(), {{"first", whole(0)}, {"last", whole(0)}})},
       {"launch", word<Launch>()},
       {"graphs", word<Graphs>()},
       {"recompute", any_of({word<Recompute>(), modules})},
       {"recompute_layers", any_of({whole(), number(), recompute_layers, counts})},
       {"documents", any_of({whole(), lengths, documents})},
       {"schedule", word<ScheduleKind>()},
       {"overlap", overlap},
       {"dispatcher", word<Dispatcher>()},
       {"dispatcher_sms", whole()},
       {"expert_capacity", capacity},
       {"fused_grouped_gemm", boolean()},
       {"fused_routing", boolean()},
       {"fused_permutation", boolean()},
       {"delay_wgrad", boolean()},
       {"dispatch_precision", word<DispatchPrecision>()},
       {"activation_func_fp8_input_store", boolean()},
       {"optimizer", word<OptimizerKind>()},
       {"states",
        map(states_keys(),
            {{"master", word<MasterWeights>()}, {"moments", word<MomentType>()}, {"paged", boolean()}})},
       {"optimizer_in_backward", boolean()},
       {"optimizer_post_validation", boolean()},
       {"offload",
        map(offload_keys(), {{"optimizer", number()}, {"weights", number()}, {"activations", number()}})},
       {"buckets", map(bucket_keys(), {{"reduce", whole()}, {"prefetch", whole(0)}, {"live", whole(0)}})},
       {"expandable_segments", boolean()},
       {"reshard_after_forward", boolean()},
       {"loss", map(loss_keys(), {{"fused", boolean()},
                                  {"compiled", boolean()},
                                  {"cut", boolean()},
                                  {"chunks", whole()},
                                  {"sharded", boolean()}})},
       {"tokens", quantity()},
       {"samples", whole()},
       {"epochs", number()},
       {"failures", failures}},
      {"sequence_length", "global_batch", "micro_batch"});
}

Json measured() {
  return map(measured_keys(), {{"step_time", quantity()},
                               {"peak_memory", quantity()},
                               {"memory_kind", word<MemoryKind>()},
                               {"outcome", word<RunOutcome>()},
                               {"source", text()},
                               {"derived", text()},
                               {"assumed", text()},
                               {"not_judged", text()}});
}

Json framework() {
  // A release is text, but YAML reads 2025.09 as a number.
  const Json release = any_of({number(), Json{{"type", "string"}, {"pattern", "^20[0-9]{2}\\.[0-9]{2}$"}}});
  return map(framework_keys(), {{"name", word<Framework>()}, {"release", release}}, {"name"});
}

Json lora() {
  const Json targets = {{"type", "array"}, {"items", word<LoraTarget>()}};
  return map(lora_keys(),
             {{"rank", whole()},
              {"targets", targets},
              {"dora", boolean()},
              {"base", word<LoraBase>()},
              {"dropout", boolean()},
              {"fused", boolean()}},
             {"rank", "targets"});
}

}  // namespace

std::string job_schema_json() {
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "A foreshard job"}};
  schema.update(map(job_keys(),
                    {{"name", text()},
                     {"model", any_of({text(), model()})},
                     {"cluster", any_of({text(), cluster()})},
                     {"framework", any_of({word<Framework>(), framework()})},
                     {"parallelism", parallelism()},
                     {"training", training()},
                     {"lora", lora()},
                     {"measured", measured()},
                     {"left_out", {{"type", "array"}, {"items", text()}}}},
                    {"model", "cluster", "training"}));
  return schema.dump(2) + "\n";
}

}  // namespace foreshard
