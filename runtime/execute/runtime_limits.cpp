#include "runtime/execute/runtime_limits.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "planner/program/emit/emit_forward.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/units/overloaded.hpp"
#include "runtime/device/attention_mask.hpp"
#include "runtime/execute/code_limits.hpp"

namespace foreshard {
namespace {

class Limits {
 public:
  explicit Limits(const JobSpec& job) : job_(job) {}

  std::vector<std::string> run() && {
    check_model();
    check_parallelism();
    check_training();
    if (lacks_.empty()) lacks_ = what_codes_lack(job_);
    return std::move(lacks_);
  }

 private:
  void refuse(bool lacks, std::string_view what) {
    if (!lacks || std::find(lacks_.begin(), lacks_.end(), what) != lacks_.end()) return;
    lacks_.emplace_back(what);
  }

  void check_model() {
    const ModelSpec& model = job_.model;
    if (model.experts) check_experts(*model.experts);
    refuse(model.positions == Positions::alibi,
           "model.positions: alibi is not executed; say rope or learned");
    refuse(model.hyper_connections.has_value(),
           "model.hyper_connections: several residual streams are planned, not executed");
    check_kinds();
    if (job_.training.documents && job_.training.documents->packed) check_documents(*job_.training.documents);
  }

  /// Documents are chunks of every layer's attention, or ranges that are the same in every sequence.
  void check_documents(const DocumentsSpec& documents) {
    const std::int64_t sequence = job_.training.sequence_length;
    const bool is_cut = documents.lengths.size() == 1 &&
                        std::fmod(documents.lengths.front(), static_cast<double>(sequence)) == 0.0;
    refuse(documents.drawn && !is_cut && !even_document(documents, sequence),
           fmt::format(
               "training.documents: lengths that are drawn, or one that does not divide the sequence of {} "
               "tokens, are planned, not executed; say {{lengths: […], drawn: false}}",
               sequence));
    refuse(!documents.drawn && documents.lengths.size() > DocumentEnds::kMost,
           fmt::format("training.documents: more than {} lengths are planned, not executed",
                       DocumentEnds::kMost));
    refuse(job_.model.positions == Positions::learned,
           "training.documents: with learned positions packed documents are planned, not executed");
    for (const LayerKind& kind : layer_pattern(job_.model, sequence).kinds) {
      refuse(
          window_of(kind.mixer).value_or(sequence) < sequence ||
              chunk_of(kind.mixer).value_or(sequence) < sequence,
          "training.documents: with windows or chunks of layers packed documents are planned, not executed");
    }
  }

  void check_kinds() {
    const ModelSpec& model = job_.model;
    for (const LayerKind& kind : layer_pattern(model, job_.training.sequence_length).kinds) {
      key_ = model.pattern.empty() ? "model" : "model.layer_kinds." + kind.name;
      std::visit([&](const auto& mixer) { check_mixer(mixer); }, kind.mixer);
      refuse(kind.hash_routing,
             fmt::format("{}: routing by a table of tokens is planned, not executed", key_));
    }
  }

  void check_mixer(const SoftmaxAttention& attention) {
    const AttentionOptions& options = attention.options;
    check_indexer(options.indexer);
    refuse(options.values_are_keys || options.v_norm,
           fmt::format("{}: keys that serve as values and norms of values are planned, not executed", key_));
    refuse(job_.parallelism.tp > attention.kv_heads,
           fmt::format("parallelism.tp: {} ranks would share {} kv heads, which is planned, not executed",
                       job_.parallelism.tp, attention.kv_heads));
  }
  void check_mixer(const LatentAttention& attention) { check_indexer(attention.indexer); }
  void check_mixer(const CompressedAttention&) {
    refuse(true, fmt::format("{}: attention over compressed keys is planned, not executed", key_));
  }
  void check_mixer(const NoMixer&) {}
  void check_mixer(const one_of<Mamba2, GatedDeltaNet, KimiDelta> auto&) {
    refuse(true, fmt::format("{}: linear mixers are planned, not executed", key_));
  }

  void check_indexer(const std::optional<Indexer>& indexer) {
    refuse(indexer.has_value(), fmt::format("{}: sparse attention is planned, not executed", key_));
  }

  void check_experts(const ExpertsSpec& experts) {
    refuse(experts.score_bias,
           "model.experts.score_bias: biases of the router's choice are planned, not executed; say false");
    refuse(experts.latent || experts.own_norms,
           "model.experts: latent rows and norms of their own are planned, not executed");
  }

  void check_parallelism() {
    const ParallelismSpec& p = job_.parallelism;
    check_context(p);
    refuse(p.zero_quantized_weights || p.zero_quantized_gradients || p.zero_hpz.has_value(),
           "parallelism.zero_hpz, zero_quantized_weights, zero_quantized_gradients: ZeRO++ is planned, not "
           "executed; "
           "leave it out");
    refuse(p.zero == 3 && job_.training.overlap.dp,
           "training.overlap.dp: gathers of weights that run ahead are planned, not executed; say false");
    const std::int64_t tokens = job_.training.micro_batch * job_.training.sequence_length / p.cp;
    refuse(p.sequence_parallel && p.tp > 1 && tokens % p.tp != 0,
           fmt::format("parallelism.sequence_parallel: {} tokens of a micro-batch do not divide by tp {}",
                       tokens, p.tp));
  }

  void check_context(const ParallelismSpec& p) {
    const std::int64_t sequence = job_.training.sequence_length;
    refuse(p.cp > 1 && sequence % (2 * p.cp) != 0,
           fmt::format("parallelism.cp: each of {} ranks executes two stretches of a sequence, and its {} "
                       "tokens do not cut into {}",
                       p.cp, sequence, 2 * p.cp));
  }

  void check_training() {
    const TrainingSpec& training = job_.training;
    refuse(job_.framework != Framework::foreshard,
           "framework: say foreshard; the conventions of others are planned, not executed");
    const bool has_executed_type =
        training.precision == Precision::fp32 || training.precision == Precision::bf16 ||
        training.precision == Precision::fp8 || training.precision == Precision::mxfp8;
    refuse(!has_executed_type,
           "training.precision: say bf16, fp32, fp8 or mxfp8; others are planned, not executed");
    refuse(training.attention != AttentionKind::flash,
           "training.attention: say flash; unfused is planned only");
    refuse(training.graphs != Graphs::none,
           "training.graphs: CUDA graphs are planned, not executed; say none");
    refuse(training.uses_host(),
           "training.offload, training.states.paged: what the host holds is planned, not executed; leave it "
           "out");
    refuse(training.fp8_activation_inputs,
           "training.activation_func_fp8_input_store: fp8 is planned, not executed; say false");
    refuse(training.dropout, "training.dropout: dropout is planned, not executed; say false");
    refuse(!training.compiled && is_gated(job_.model.ffn),
           "training.compiled: gated activations are executed as one kernel; say true");
    check_optimizer(training);
    const LossSpec& loss = training.loss;
    refuse(!loss.sharded && job_.parallelism.tp > 1,
           "training.loss.sharded: gathered logits are planned, not executed; say true");
    refuse(loss.compiled,
           "training.loss.compiled: a compiled loss is planned, not executed; say fused: true");
    refuse(loss.cut,
           "training.loss.cut: logits made again in backward are planned, not executed; say chunks");
    refuse(training.expert_capacity.has_value(),
           "training.expert_capacity: capacities of experts are planned, not executed");
    refuse(job_.model.experts && training.dispatcher != Dispatcher::all_to_all,
           "training.dispatcher: say all-to-all; others are planned, not executed");
    refuse(training.dispatch_precision != DispatchPrecision::same,
           "training.dispatch_precision: say same; fp8 is planned, not executed");
    refuse(job_.lora.has_value(), "lora: low-rank adapters are planned, not executed");
  }

  void check_optimizer(const TrainingSpec& training) {
    const OptimizerKind optimizer = training.optimizer;
    const StatesSpec& states = training.states;
    refuse(optimizer == OptimizerKind::adafactor,
           "training.optimizer: adafactor is planned, not executed; say another");
    const bool has_moments = optimizer != OptimizerKind::sgd && optimizer != OptimizerKind::adafactor;
    const bool has_executed_type = states.moments == MomentType::fp32 || states.moments == MomentType::bf16 ||
                                   states.moments == MomentType::int8;
    refuse(has_moments && !has_executed_type,
           fmt::format("training.states.moments: {} is planned, not executed; say fp32, bf16 or int8",
                       word_of(states.moments)));
    const bool is_adam = optimizer != OptimizerKind::lion && optimizer != OptimizerKind::muon;
    refuse(has_moments && states.moments == MomentType::int8 && !is_adam,
           fmt::format("training.states.moments: int8 of {} is planned, not executed; say fp32 or bf16",
                       word_of(optimizer)));
    refuse(states.moments == MomentType::int8 && states.master == MasterWeights::bf16_stochastic,
           "training.states: int8 moments with bf16-stochastic weights are planned, not executed; say master "
           "none or fp32");
    refuse(training.optimizer_post_validation,
           "training.optimizer_post_validation: updates are checked before they are made; say false");
    refuse(training.optimizer_in_backward,
           "training.optimizer_in_backward: updates in backward are planned, not executed; say false");
  }

  const JobSpec& job_;
  std::vector<std::string> lacks_;
  std::string key_;  // of the kind of layers that is being checked
};

}  // namespace

std::vector<std::string> what_the_runtime_lacks(const JobSpec& job) { return Limits(job).run(); }

}  // namespace foreshard
