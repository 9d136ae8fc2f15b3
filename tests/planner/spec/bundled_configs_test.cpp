#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "planner/cost/step/model_figures.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/spec/library/library.hpp"
#include "planner/spec/library/refused_names.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/yaml/yaml_document.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

const std::filesystem::path kConfigs = std::filesystem::path(FORESHARD_SOURCE_DIR) / "configs";

/// Queries from the latent, one key head with a LayerNorm, a weight for each head.
std::int64_t indexer_by_hand(const ModelSpec& m, const std::optional<Indexer>& indexer, std::int64_t q_rank) {
  if (!indexer) return 0;
  return q_rank * indexer->heads * indexer->head_dim + m.hidden * indexer->head_dim + 2 * indexer->head_dim +
         m.hidden * indexer->heads;
}

/// Weights of one layer's mixer, with its norms, by the closed formula of its kind (docs/formulas.md):
///   softmax   h·a·d + h·g·(d + v) + a·v·h, biases of q, k, v and of the output h, 2·d for q/k norms or (a + g)·d over
///             all heads, a sinks, h·a·v for a gate
///   latent    h·r + r + r·a·(n + p) for q, or h·a·(n + p); h·(c + p) + c + c·a·(n + v) for k and v; a·v·h for the output
///   linear    the input product, w for each channel of the convolution, the vectors of the heads, the output
struct MixerByHand {
  const ModelSpec& m;

  std::int64_t operator()(const SoftmaxAttention& a) const {
    const std::int64_t query = a.heads * a.head_dim;
    const std::int64_t key_value = a.kv_heads * (a.head_dim + a.v_head_dim());
    const std::int64_t output = a.heads * a.v_head_dim();
    std::int64_t attention = m.hidden * (query + key_value + output);
    if (m.biases != Biases::none) attention += query + key_value;
    if (m.biases == Biases::all) attention += m.hidden;
    if (a.qk_norm) attention += m.qk_norm_whole ? (a.heads + a.kv_heads) * a.head_dim : 2 * a.head_dim;
    if (a.options.gate == OutputGate::elementwise) attention += m.hidden * output;
    return attention + (a.sinks ? a.heads : 0);
  }
  std::int64_t operator()(const LatentAttention& a) const {
    const MlaSpec& l = a.sizes;
    const std::int64_t head = l.nope_head_dim + l.rope_head_dim;
    const std::int64_t q =
        l.q_rank > 0 ? m.hidden * l.q_rank + l.q_rank + l.q_rank * a.heads * head : m.hidden * a.heads * head;
    const std::int64_t kv = m.hidden * (l.kv_rank + l.rope_head_dim) + l.kv_rank +
                            l.kv_rank * a.heads * (l.nope_head_dim + l.v_head_dim);
    return q + kv + a.heads * l.v_head_dim * m.hidden + indexer_by_hand(m, a.indexer, l.q_rank);
  }
  /// One head of keys that are the values too; compressed keys from a product for the mean and one for its weights, each
  /// twice as wide, over two windows, where an indexer chooses.
  std::int64_t operator()(const CompressedAttention& a) const {
    const std::int64_t r = a.sizes.q_rank;
    const std::int64_t d = a.head_dim;
    const std::int64_t output = a.sizes.output_rank * (a.heads * d + a.sizes.output_groups * m.hidden);
    std::int64_t sum = m.hidden * (r + d) + r * a.heads * d + output + r + d + a.heads;
    if (a.compression == 0) return sum;
    const std::int64_t windows = a.indexer ? 2 : 1;
    sum += windows * (2 * m.hidden + a.compression) * d + d;
    if (!a.indexer) return sum;
    const std::int64_t i = a.indexer->head_dim;
    return sum + r * a.indexer->heads * i + m.hidden * a.indexer->heads +
           2 * (2 * m.hidden + a.compression) * i + i;
  }
  std::int64_t operator()(const Mamba2& a) const {
    const std::int64_t conv = a.inner() + 2 * a.groups * a.state_dim;
    return m.hidden * (a.inner() + conv + a.heads) + conv * (a.conv_kernel + 1) + 3 * a.heads + a.inner() +
           a.inner() * m.hidden;
  }
  std::int64_t operator()(const GatedDeltaNet& a) const {
    const std::int64_t values = a.value_heads * a.value_head_dim;
    const std::int64_t conv = 2 * a.key_heads * a.key_head_dim + values;
    return m.hidden * (conv + values + 2 * a.value_heads) + conv * a.conv_kernel + 2 * a.value_heads +
           a.value_head_dim + values * m.hidden;
  }
  std::int64_t operator()(const KimiDelta& a) const {
    const std::int64_t width = a.heads * a.head_dim;
    return m.hidden * (3 * width + a.heads) + 3 * width * a.conv_kernel +
           (a.decay_rank + a.gate_rank) * (m.hidden + width) + a.heads + width + a.head_dim +
           width * m.hidden;
  }
  std::int64_t operator()(const NoMixer&) const { return 0; }
};

/// 3·w·f gated, else 2·w·f, for rows of w, with biases of f per inner matrix and of the output h.
std::int64_t ffn_by_hand(const ModelSpec& m, std::int64_t ffn_hidden, std::int64_t rows = 0) {
  const std::int64_t inner = is_gated(m.ffn) ? 2 : 1;
  const std::int64_t biases = m.biases == Biases::all ? inner * ffn_hidden + m.hidden : 0;
  return (inner + 1) * (rows > 0 ? rows : m.hidden) * ffn_hidden + biases;
}

/// Experts of a layer, all of them or those of one token:
///   router    e·h, with a bias e, and e more where a rule steers it, which nothing does where a table gives the experts
///   latents   h·l down and up; a gate of the shared experts h
std::int64_t experts_by_hand(const ModelSpec& m, const LayerKind& kind, bool active) {
  const ExpertsSpec& e = *m.experts;
  std::int64_t layer =
      (active ? e.per_token : e.count) * ffn_by_hand(m, e.hidden, e.latent.value_or(0)) + e.count * m.hidden;
  if (e.shared_hidden > 0) layer += ffn_by_hand(m, e.shared_hidden);
  if (e.shared_gate) layer += m.hidden;
  if (e.latent) layer += 2 * m.hidden * *e.latent;
  if (m.biases == Biases::all) layer += e.count;
  return layer + (e.score_bias && !kind.hash_routing ? e.count : 0);
}

/// Parameters of a model in which all of each layer's experts are counted, or those of one token.
///   norms     h, or 2h with a bias, half of the layer's for each sublayer; one more at the end
///   streams   of n hyper-connections: before each sublayer a product of the n·h with the weights of n inputs, n outputs and
///             n·n mixings, their biases and 3 scales; before the head one of n inputs
///   the rest  V·h for the embedding and again for an untied head, and h per learned position
std::int64_t parameters_by_hand(const ModelSpec& m, bool active = false) {
  const std::int64_t norm = m.norm == NormKind::layernorm ? 2 * m.hidden : m.hidden;
  const std::int64_t n = m.streams();
  const std::int64_t streams = m.hyper_connections ? (n * m.hidden + 1) * n * (n + 2) + 3 : 0;
  std::int64_t total = norm + m.vocab * m.hidden;
  if (m.hyper_connections) total += (n * m.hidden + 1) * n + 1;
  const LayerPattern pattern = layer_pattern(m, 1);
  for (std::int64_t l = 0; l < m.layers; ++l) {
    const LayerKind& kind = pattern.kind(l);
    const std::int64_t sublayers = (has_mixer(kind) ? 1 : 0) + (has_ffn(kind) ? 1 : 0);
    total += m.norms_per_layer * norm * sublayers / 2 + sublayers * streams +
             std::visit(MixerByHand{m}, kind.mixer);
    if (kind.ffn == FeedForward::dense) total += ffn_by_hand(m, kind.ffn_hidden.value_or(m.ffn_hidden));
    if (kind.ffn == FeedForward::experts) total += experts_by_hand(m, kind, active);
  }
  if (!m.tied_embeddings) total += m.vocab * m.hidden;
  if (m.positions == Positions::learned) total += m.max_positions * m.hidden;
  return total;
}

/// "1,234,567" before these words in the first line of a model's file; 0 if they are not there.
std::int64_t number_said(const std::filesystem::path& file, const std::string& words) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  const std::size_t end = line.find(" " + words);
  if (end == std::string::npos) return 0;
  std::int64_t said = 0;
  for (const char c : line.substr(line.rfind(' ', end - 1) + 1, end - line.rfind(' ', end - 1) - 1)) {
    if (c != ',') said = 10 * said + (c - '0');
  }
  return said;
}

/// The text under `source` in the map of a key, in a file with one document.
std::string source_of(const std::filesystem::path& file, const std::string& key) {
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  Complaints complaints;
  const NodePtr document = parse_yaml(make_source(file.string(), {}, text), text, complaints).front();
  const MapEntry* const map = document->find(key);
  const MapEntry* const source = map != nullptr ? map->value->find("source") : nullptr;
  return source != nullptr ? source->value->text : "";
}

/// The counts of the program of one device.
ParameterCounts counted(const ModelSpec& model) {
  JobSpec job;
  job.model = model;
  job.training.sequence_length = 128;
  job.training.global_batch = 1;
  job.training.micro_batch = 1;
  return count_parameters(job, build_step_program(job));
}

/// Bytes per second that a large ring collective within the node reaches per device, in GB/s.
double ring_bandwidth(const std::string& accelerator) {
  const LinkSpec link = load_accelerator(accelerator).node.link;
  return link.bandwidth.value() * link.efficiency / 1e9;
}

}  // namespace

TEST_CASE("the bundled configs are the ones that the tools promise") {
  CHECK(bundled_names(ConfigKind::models) == std::vector<std::string>{"bert-large",
                                                                      "deepseek-v3",
                                                                      "deepseek-v3.2",
                                                                      "deepseek-v4-flash",
                                                                      "deepseek-v4-pro",
                                                                      "gemma-3-27b",
                                                                      "glm-4.5",
                                                                      "glm-5",
                                                                      "gpt-oss-120b",
                                                                      "gpt-oss-20b",
                                                                      "gpt2-xl",
                                                                      "gpt3-175b",
                                                                      "kimi-k2",
                                                                      "kimi-linear-48b-a3b",
                                                                      "llama-13b",
                                                                      "llama-33b",
                                                                      "llama-65b",
                                                                      "llama-7b",
                                                                      "llama2-13b",
                                                                      "llama2-70b",
                                                                      "llama2-7b",
                                                                      "llama3-70b",
                                                                      "llama3-8b",
                                                                      "llama3.1-405b",
                                                                      "llama4-maverick",
                                                                      "llama4-scout",
                                                                      "megatron-1t",
                                                                      "megatron-22b",
                                                                      "megatron-530b",
                                                                      "minimax-m2",
                                                                      "mistral-7b",
                                                                      "mixtral-8x22b",
                                                                      "mixtral-8x7b",
                                                                      "nemotron-3-nano-30b-a3b",
                                                                      "nemotron-3-super-120b-a12b",
                                                                      "nemotron-h-56b",
                                                                      "olmo-3-32b",
                                                                      "qwen2.5-72b",
                                                                      "qwen2.5-7b",
                                                                      "qwen3-235b-a22b",
                                                                      "qwen3-30b-a3b",
                                                                      "qwen3-32b",
                                                                      "qwen3-8b",
                                                                      "qwen3-coder-480b-a35b",
                                                                      "qwen3-next-80b-a3b",
                                                                      "qwen3.5-397b-a17b",
                                                                      "smollm3-3b",
                                                                      "switch-base-128-stack",
                                                                      "t5-base-glu-stack",
                                                                      "t5-v1.1-xxl-stack"});
  CHECK(bundled_names(ConfigKind::accelerators) ==
        std::vector<std::string>{"a100-40gb-sxm",  "a100-80gb-pcie", "a100-80gb-sxm",  "a10g",
                                 "a800-80gb-sxm",  "b200-180gb-sxm", "b300-288gb-sxm", "cpu",
                                 "gb200",          "gb300",          "gh200-144gb",    "gh200-96gb",
                                 "h100-80gb-pcie", "h100-80gb-sxm",  "h100-94gb-nvl",  "h100-96gb-hbm2e-500w",
                                 "h20-96gb-sxm",   "h200-141gb-sxm", "h800-80gb-sxm",  "l40s",
                                 "mi300x",         "mi325x",         "mi350x",         "mi355x",
                                 "mi455x",         "rtx-6000-ada",   "rtx-a6000",      "rtx-pro-6000",
                                 "rtx4090",        "rtx5090",        "rubin",          "v100-32gb-sxm3"});
  CHECK(bundled_names(ConfigKind::clusters) == std::vector<std::string>{"a100-pcie-box",
                                                                        "a800-node",
                                                                        "alps",
                                                                        "aws-g5",
                                                                        "aws-g6e",
                                                                        "aws-p4d",
                                                                        "aws-p4de",
                                                                        "aws-p5",
                                                                        "aws-p5e",
                                                                        "aws-p5en",
                                                                        "aws-p6-b200",
                                                                        "aws-p6-b300",
                                                                        "aws-p6e-gb200",
                                                                        "azure-nd-a100-v4",
                                                                        "azure-nd-gb200-v6",
                                                                        "azure-nd-gb300-v6",
                                                                        "azure-nd-h100-v5",
                                                                        "azure-nd-h200-v5",
                                                                        "azure-nd-mi300x-v5",
                                                                        "dgx-2",
                                                                        "dgx-a100",
                                                                        "dgx-a100-40gb",
                                                                        "dgx-b200",
                                                                        "dgx-b300",
                                                                        "dgx-h100",
                                                                        "dgx-h200",
                                                                        "gb200-nvl72",
                                                                        "gb300-nvl72",
                                                                        "gcp-a3-high",
                                                                        "gcp-a3-mega",
                                                                        "gcp-a3-ultra",
                                                                        "gcp-a4",
                                                                        "gcp-a4x",
                                                                        "gh200-nvl2",
                                                                        "grand-teton",
                                                                        "h100-nvl-box",
                                                                        "h100-pcie-box",
                                                                        "h20-node",
                                                                        "h800-node",
                                                                        "helios-mi455x",
                                                                        "hgx-b200",
                                                                        "hgx-b300",
                                                                        "hgx-h100",
                                                                        "hgx-h200",
                                                                        "jupiter",
                                                                        "l40s-node",
                                                                        "laptop",
                                                                        "mi300x-node",
                                                                        "mi325x-node",
                                                                        "mi350x-node",
                                                                        "mi355x-node",
                                                                        "rtx-6000-ada-box",
                                                                        "rtx-a6000-box",
                                                                        "rtx-pro-server",
                                                                        "rtx4090-box",
                                                                        "rtx5090-box",
                                                                        "selene",
                                                                        "vera-rubin-nvl72"});
  CHECK(bundled_names(ConfigKind::jobs) ==
        std::vector<std::string>{"gpt3-175b-selene", "llama2-70b-64a100", "llama3-70b-64h100",
                                 "llama3-8b-8h100", "llama3.1-405b-16384h100", "long-context-laptop",
                                 "tiny-bf16-laptop", "tiny-experts-laptop", "tiny-gpt-oss-laptop",
                                 "tiny-llama-laptop", "tiny-patterns-laptop"});
}

TEST_CASE("every bundled model has the parameters that its file says, by formula and in its program") {
  for (const std::string& name : bundled_names(ConfigKind::models)) {
    INFO(name);
    ModelSpec model = load_model(name);
    model.mtp.reset();  // files count multi-token prediction by itself
    const std::filesystem::path file = bundled_file(ConfigKind::models, name);
    CHECK(parameters_by_hand(model) == number_said(file, "parameters"));
    const ParameterCounts program = counted(model);
    CHECK(program.total.value() == parameters_by_hand(model));
    CHECK(program.active.value() == parameters_by_hand(model, true));
    if (model.experts) CHECK(program.active.value() == number_said(file, "active per token"));
  }
}

TEST_CASE("Mixtral's parameters are where they are said to be") {
  const ParameterCounts mixtral = counted(load_model("mixtral-8x7b"));
  CHECK(mixtral.router.value() == 32 * 8 * 4096);
  CHECK(mixtral.ffn.value() == 32LL * 8 * 3 * 4096 * 14336);
  CHECK(mixtral.attention.value() == 32LL * 2 * 4096 * 128 * (32 + 8));
  CHECK(mixtral.total.value() == 46702792704);
  CHECK(mixtral.active.value() == 12879925248);
}

TEST_CASE("bundled models have the parameters of the published checkpoints") {
  const std::map<std::string, std::int64_t> published = {
      {"llama-7b", 6738415616},        {"llama-13b", 13015864320},      {"llama-33b", 32528943616},
      {"llama-65b", 65285660672},      {"llama2-70b", 68976648192},     {"llama3-8b", 8030261248},
      {"llama3-70b", 70553706496},     {"llama3.1-405b", 405853388800}, {"mistral-7b", 7241732096},
      {"gpt2-xl", 1557611200},         {"qwen2.5-7b", 7615616512},      {"qwen2.5-72b", 72706203648},
      {"qwen3-8b", 8190735360},        {"qwen3-32b", 32762123264},      {"mixtral-8x7b", 46702792704},
      {"mixtral-8x22b", 140620634112}, {"qwen3-30b-a3b", 30532122624},  {"qwen3-235b-a22b", 235093634560},
      {"deepseek-v3", 671026419200},   {"gpt-oss-120b", 116829156672},
  };
  for (const auto& [name, total] : published) {
    INFO(name);
    CHECK(parameters_by_hand(load_model(name)) == total);
  }
}

TEST_CASE("what a bundled model leaves out of its original accounts for the difference") {
  // BERT Large without heads has 335,141,888: 2 token types and a pooler with bias, of hidden 1024, are left
  // out.
  CHECK(parameters_by_hand(load_model("bert-large")) + 2 * 1024 + 1024 * 1024 + 1024 == 335141888);
  // T5 v1.1 XXL has 11,135,332,352: 24 cross-attentions of 4 matrices with a norm, a final norm, and 2 tables
  // of position biases of 32 buckets × 64 heads are left out.
  CHECK(parameters_by_hand(load_model("t5-v1.1-xxl-stack")) + 24 * (4 * 4096LL * 4096 + 4096) + 4096 +
            2 * 32 * 64 ==
        11135332352);
}

TEST_CASE("bundled accelerators are possible devices") {
  for (const std::string& name : bundled_names(ConfigKind::accelerators)) {
    INFO(name);
    const AcceleratorSpec device = load_accelerator(name);
    CHECK(device.name == name);
    CHECK(device.is_cpu == (name == "cpu"));
    CHECK(device.memory_capacity > Bytes(0));
    CHECK(device.memory_bandwidth.value() > 0.0);
    CHECK(device.gemm.at(static_cast<std::size_t>(DType::fp32)).has_value());
    for (const std::optional<GemmRate>& rate : device.gemm) {
      if (!rate) continue;
      CHECK(rate->peak.value() > 0.0);
      CHECK(rate->efficiency > 0.0);
      CHECK(rate->efficiency < 1.0);
    }
    const KernelConstants& kernels = device.kernels;
    REQUIRE(device.usual_flash.has_value());
    const auto& flash = kernels.attention.at(static_cast<std::size_t>(*device.usual_flash));
    REQUIRE(flash.has_value());
    for (const double part :
         {flash->forward.efficiency, flash->backward.efficiency, kernels.memory_efficiency}) {
      CHECK(part > 0.0);
      CHECK(part < 1.0);
    }
    CHECK(flash->backward.efficiency < flash->forward.efficiency);
    CHECK(device.node.link.latency < device.node.network.latency);
    CHECK(device.node.network.bandwidth < device.node.link.bandwidth);
  }
}

TEST_CASE("bundled accelerators have a price and a power, each with its source and its date") {
  for (const std::string& name : bundled_names(ConfigKind::accelerators)) {
    INFO(name);
    const AcceleratorSpec device = load_accelerator(name);
    REQUIRE(device.price.has_value());
    REQUIRE(device.power.has_value());
    CHECK(device.price->value() > 0.0);
    CHECK(device.power->value() > 0.0);
    for (const char* const key : {"price", "power"}) {
      const std::string source = source_of(bundled_file(ConfigKind::accelerators, name), key);
      INFO(key << ": " << source);
      CHECK(std::regex_search(source, std::regex("\\b20[12][0-9]\\b")));
    }
  }
}

TEST_CASE("bundled accelerators say how each group of their constants came about, and whence it is") {
  CHECK(bundled_names(ConfigKind::accelerators).size() >= 30);
  for (const std::string& name : bundled_names(ConfigKind::accelerators)) {
    INFO(name);
    const AcceleratorSpec device = load_accelerator(name);
    for (const Named<ConstantGroup>& named : kWords<ConstantGroup>) {
      INFO(named.word);
      const bool is_cpu_without_experts = device.is_cpu && named.value == ConstantGroup::experts;
      const auto& how = device.confidence.at(static_cast<std::size_t>(named.value));
      CHECK(how.has_value() != is_cpu_without_experts);
    }
    // Whoever claims that products are measured has a set of kernels that says so, or a source.
    for (const char* const key : {"memory", "multiprocessors", "kernels", "attention", "node"})
      CHECK_FALSE(source_of(bundled_file(ConfigKind::accelerators, name), key).empty());
    // A device that is only announced has no measured constants.
    const auto of = [&](ConstantGroup group) {
      return device.confidence.at(static_cast<std::size_t>(group));
    };
    if (of(ConstantGroup::peaks) != Confidence::announced) continue;
    for (const ConstantGroup group :
         {ConstantGroup::products, ConstantGroup::attention, ConstantGroup::passes})
      CHECK(of(group) == Confidence::assumed);
  }
}

TEST_CASE("an assumed device has a wider error than a measured one") {
  for (const std::string& name : bundled_names(ConfigKind::accelerators)) {
    INFO(name);
    const AcceleratorSpec device = load_accelerator(name);
    const auto how = device.confidence.at(static_cast<std::size_t>(ConstantGroup::products));
    if (how == Confidence::assumed) CHECK(device.kernels.spread >= 0.15);
    if (how == Confidence::derived) CHECK(device.kernels.spread >= 0.10);
  }
}

TEST_CASE("devices that the step program cannot describe are refused with the reason") {
  for (const char* const name :
       {"tpu-v5p", "TPU7x", "trainium2", "trn2-ultra", "gaudi3", "ascend-910b", "cerebras-3"}) {
    INFO(name);
    CHECK(why_refused(ConfigKind::accelerators, name).has_value());
    CHECK(why_refused(ConfigKind::clusters, name).has_value());
    CHECK_FALSE(why_refused(ConfigKind::models, name).has_value());
  }
  for (const ConfigKind kind : {ConfigKind::accelerators, ConfigKind::clusters})
    for (const std::string& name : bundled_names(kind)) CHECK_FALSE(why_refused(kind, name).has_value());
  CHECK_THAT(no_such_config(ConfigKind::accelerators, "h200"), ContainsSubstring("'h200-141gb-sxm'"));
}

TEST_CASE("devices without a unit have no rate for it") {
  const auto has = [](const char* name, DType type) {
    return load_accelerator(name).gemm.at(static_cast<std::size_t>(type)).has_value();
  };
  CHECK(has("v100-32gb-sxm3", DType::fp16));
  CHECK_FALSE(has("v100-32gb-sxm3", DType::bf16));
  CHECK(has("a100-80gb-sxm", DType::bf16));
  CHECK_FALSE(has("a100-80gb-sxm", DType::fp8));
  CHECK(has("h100-80gb-sxm", DType::fp8));
  CHECK(has("cpu", DType::bf16));
  CHECK_FALSE(has("cpu", DType::fp16));
}

TEST_CASE("links reach the ring bandwidths that were measured") {
  // Bus bandwidth of a large ring all-reduce of 8 GPUs in GB/s: A100 230-235, H100 365-370, H200 361-367,
  // B200 678-682.
  CHECK(ring_bandwidth("a100-80gb-sxm") == Approx(232.5).margin(2.5));
  CHECK(ring_bandwidth("h100-80gb-sxm") == Approx(367.5).margin(2.5));
  CHECK(ring_bandwidth("h200-141gb-sxm") == Approx(364).margin(3.0));
  CHECK(ring_bandwidth("b200-180gb-sxm") == Approx(680).margin(2.0));
}

TEST_CASE("bundled clusters are one node of their accelerator") {
  for (const std::string& name : bundled_names(ConfigKind::clusters)) {
    INFO(name);
    const ClusterSpec cluster = load_cluster(name);
    CHECK(cluster.name == name);
    CHECK(cluster.nodes == 1);
    CHECK(cluster.devices_per_node >= 2);
    CHECK(cluster.fabric != NodeFabric::none);
    CHECK(cluster.link.bandwidth.value() > 0.0);
    CHECK(cluster.network.link.bandwidth.value() > 0.0);
    if (cluster.power) CHECK(cluster.power->value() >= cluster.accelerator.power->value());
  }
}

TEST_CASE("bundled clusters have a source") {
  CHECK(bundled_names(ConfigKind::clusters).size() >= 30);
  for (const std::string& name : bundled_names(ConfigKind::clusters)) {
    INFO(name);
    std::ifstream in(bundled_file(ConfigKind::clusters, name));
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    CHECK(text.find("\nsource: ") != std::string::npos);
  }
}

TEST_CASE("clusters share their NICs among their devices") {
  // p4d: 400 Gbit/s for 8 GPUs = 6.25 GB/s each; p5: 3200 Gbit/s for 8 = 50 GB/s each; DGX-2: 800 Gbit/s
  // for 16.
  CHECK(load_cluster("aws-p4d").network.link.bandwidth.value() == Approx(6.25e9));
  CHECK(load_cluster("aws-p5").network.link.bandwidth.value() == Approx(50e9));
  CHECK(load_cluster("dgx-2").network.link.bandwidth.value() == Approx(6.25e9));
  // A3 Mega: 8 × 200 Gbit/s for 8 = 25 GB/s each; P6-B300: 6400 Gbit/s for 8 = 100 GB/s each; G5: 100 Gbit/s for 8.
  CHECK(load_cluster("gcp-a3-mega").network.link.bandwidth.value() == Approx(25e9));
  CHECK(load_cluster("aws-p6-b300").network.link.bandwidth.value() == Approx(100e9));
  CHECK(load_cluster("aws-g5").network.link.bandwidth.value() == Approx(1.5625e9));
}

TEST_CASE("bundled jobs use all their devices") {
  const std::map<std::string, std::int64_t> devices = {
      {"llama3-70b-64h100", 64},          {"llama3-8b-8h100", 8},
      {"llama2-70b-64a100", 64},          {"gpt3-175b-selene", 1024},
      {"llama3.1-405b-16384h100", 16384}, {"tiny-llama-laptop", 2},
      {"tiny-experts-laptop", 2},         {"tiny-bf16-laptop", 2},
      {"long-context-laptop", 2},         {"tiny-patterns-laptop", 2},
      {"tiny-gpt-oss-laptop", 2},
  };
  for (const std::string& name : bundled_names(ConfigKind::jobs)) {
    INFO(name);
    const std::vector<JobSpec> jobs = load_jobs(bundled_file(ConfigKind::jobs, name));
    REQUIRE(jobs.size() == 1);
    const JobSpec& job = jobs.front();
    const ParallelismSpec& parallelism = job.parallelism;
    CHECK(job.name == name);
    CHECK(job.cluster.devices() == devices.at(name));
    CHECK(parallelism.tp * parallelism.pp * parallelism.cp * parallelism.dp == devices.at(name));
    CHECK(job.micro_batches() * parallelism.dp * job.training.micro_batch == job.training.global_batch);
  }
}

TEST_CASE("every measured case loads with a measurement and a source, and its program is sound") {
  const std::map<std::string, std::size_t> cases = {{"automodel.yaml", 7},
                                                    {"automodel_moe.yaml", 8},
                                                    {"bridge_llama.yaml", 24},
                                                    {"bridge_skills.yaml", 6},
                                                    {"fms_fsdp.yaml", 4},
                                                    {"internevo.yaml", 24},
                                                    {"kempner.yaml", 9},
                                                    {"korthikanti.yaml", 9},
                                                    {"llama3.yaml", 3},
                                                    {"llm_foundry.yaml", 38},
                                                    {"megascale.yaml", 4},
                                                    {"megatron_bridge_moe.yaml", 72},
                                                    {"megatron_readme_2020.yaml", 12},
                                                    {"megatron_readme_2024.yaml", 5},
                                                    {"memory.yaml", 40},
                                                    {"mlperf_405b.yaml", 20},
                                                    {"mlperf_8b.yaml", 14},
                                                    {"mlperf_lora.yaml", 30},
                                                    {"moe_folding.yaml", 10},
                                                    {"ms_swift.yaml", 4},
                                                    {"nanotron.yaml", 13},
                                                    {"nemo_2407.yaml", 6},
                                                    {"prime_rl.yaml", 1},
                                                    {"prime_rl_dense.yaml", 9},
                                                    {"sc21_ptdp.yaml", 6},
                                                    {"sc21_zero3.yaml", 6},
                                                    {"simumax_b200.yaml", 16},
                                                    {"torchao.yaml", 21},
                                                    {"torchtitan.yaml", 12},
                                                    {"vtrain_multi.yaml", 47},
                                                    {"vtrain_single.yaml", 24},
                                                    {"zero_bubble.yaml", 18}};
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kConfigs / "measured")) {
    const std::string file = entry.path().filename().string();
    INFO(file);
    ++files;
    const std::vector<JobSpec> jobs = load_jobs(entry.path());
    CHECK(jobs.size() == cases.at(file));
    for (const JobSpec& job : jobs) {
      INFO(job.name);
      REQUIRE(job.measured.has_value());
      CHECK((job.measured->step_time || job.measured->peak_memory || job.measured->outcome));
      CHECK_FALSE(job.measured->source.empty());
      // Two rounds of micro-batches per stage contain every kind of run; more would only repeat them.
      JobSpec shorter = job;
      const std::int64_t rounds = std::min<std::int64_t>(job.micro_batches(), 2 * job.parallelism.pp);
      shorter.training.global_batch = rounds * job.parallelism.dp * job.training.micro_batch;
      CHECK(check_program(build_step_program(shorter)) == std::vector<std::string>{});
    }
  }
  CHECK(files == cases.size());
}
