#include "planner/program/tensor_label.hpp"

#include <stdexcept>
#include <string_view>

#include "planner/program/ops/enum_names.hpp"

namespace foreshard {

namespace {

/// The beginning of the labels of a part's tensors.
std::string_view prefix_of(ModelPart part) {
  switch (part) {
    case ModelPart::attention:
    case ModelPart::mla:
    case ModelPart::ffn:
    case ModelPart::router:
    case ModelPart::norm:
    case ModelPart::residual: return "layer.";
    case ModelPart::mixer: return "layer.mixer.";
    case ModelPart::indexer: return "layer.indexer.";
    case ModelPart::experts: return "layer.experts.";
    case ModelPart::shared_experts: return "layer.shared.";
    case ModelPart::mtp: return "mtp.";
    case ModelPart::hyper: return "streams.";
    case ModelPart::loss: return "head.";
    case ModelPart::none:
    case ModelPart::input:
    case ModelPart::stream:
    case ModelPart::embedding:
    case ModelPart::head:
    case ModelPart::pipeline:
    case ModelPart::optimizer: return "";
  }
  return "";
}

/// The item in a label. Most items have their own name; the exceptions are listed.
std::string_view label_of(TensorItem item) {
  switch (item) {
    case TensorItem::token_table: return "embedding";
    case TensorItem::position_table: return "positions";
    case TensorItem::embedding_sum: return "embedding.sum";
    case TensorItem::core: return "attention";
    case TensorItem::attention_norm: return "attn_norm";
    case TensorItem::attention_post_norm: return "attn_post_norm";
    case TensorItem::attention_dropout: return "attn_dropout";
    case TensorItem::router_logits: return "router.logits";
    case TensorItem::routes: return "router.routes";
    case TensorItem::output_table: return "head";
    case TensorItem::logits: return "head.logits";
    case TensorItem::wide_logits: return "head.logits32";
    case TensorItem::whole_logits: return "head.whole_logits";
    case TensorItem::row_max: return "max";
    case TensorItem::exp_sums: return "sums";
    case TensorItem::gradient_norm: return "grad_norm";
    default: return name_of(item);
  }
}

std::string_view suffix_of(TensorAspect aspect) {
  switch (aspect) {
    case TensorAspect::value: return "";
    case TensorAspect::output: return ".out";
    case TensorAspect::weight: return ".weight";
    case TensorAspect::bias: return ".bias";
    case TensorAspect::score_bias: return ".score_bias";
    case TensorAspect::adapter_a: return ".lora_a";
    case TensorAspect::adapter_b: return ".lora_b";
    case TensorAspect::adapter_rows: return ".lora";
    case TensorAspect::statistics: return ".stats";
    case TensorAspect::log_sum_exp: return ".lse";
    case TensorAspect::mask: return ".mask";
    case TensorAspect::magnitude: return ".magnitude";
    case TensorAspect::unscaled: return ".unscaled";
    case TensorAspect::adapter_out: return ".lora_out";
    case TensorAspect::scaled: return ".scaled";
    case TensorAspect::adapter_scaled: return ".lora_scaled";
    case TensorAspect::merged: return ".merged";
    case TensorAspect::row_norms: return ".norms";
    case TensorAspect::own_heads: return ".heads";
    case TensorAspect::all_ranks: return ".all";
  }
  return "";
}

std::string_view suffix_of(Derivation derivation) {
  switch (derivation) {
    case Derivation::gradient: return ".grad";
    case Derivation::token_shard: return ".shard";
    case Derivation::all_tokens: return ".full";
    case Derivation::gathered_again: return ".regathered";
    case Derivation::recomputed: return ".again";
    case Derivation::recomputed_half: return ".half";
    case Derivation::gathered_shares: return ".gathered";
    case Derivation::whole_gradient: return ".whole";
    case Derivation::scattered_share: return ".scattered";
    case Derivation::fresh_gradient: return ".fresh";
    case Derivation::pipeline_slice: return ".slice";
    case Derivation::update: return ".update";
    case Derivation::dequantised: return ".wide";
    case Derivation::whole_update: return ".whole_update";
    case Derivation::next_update: return ".next_update";
    case Derivation::quantised: return ".q";
    case Derivation::quantised_across: return ".qt";
    case Derivation::largest: return ".amax";
    case Derivation::on_host: return ".host";
    case Derivation::arrived_on_host: return ".arrived";
    case Derivation::fetched: return ".fetched";
    case Derivation::sent: return ".sent";
    case Derivation::secondary_share: return ".secondary";
    case Derivation::sent_share: return ".sent_share";
    case Derivation::arrived_shares: return ".arrived_shares";
    case Derivation::arrived_part: return ".arrived_part";
    case Derivation::none:
    case Derivation::master:
    case Derivation::first_moment:
    case Derivation::second_moment:
    case Derivation::first_scale:
    case Derivation::second_scale:
    case Derivation::factored_moment: break;
  }
  throw std::logic_error("a tensor derived as " + std::string(name_of(derivation)) +
                         " has no label of its own");
}

}  // namespace

std::string label_of(const Meaning& meaning) {
  // The final norm belongs to ModelPart::norm, but its label says "head", because the head's block owns it.
  const bool is_final_norm = meaning.item == TensorItem::final_norm;
  std::string label(is_final_norm ? "head.norm" : prefix_of(meaning.part));
  if (!is_final_norm) label += label_of(meaning.item);
  label += suffix_of(meaning.aspect);
  return label;
}

std::string derived_label(const Tensor& tensor, Derivation derivation) {
  if (derivation == Derivation::gradient && tensor.role != TensorRole::weight) return "d." + tensor.label;
  return tensor.label + std::string(suffix_of(derivation));
}

std::string short_label(const Tensor& gradient) {
  const std::size_t dot = gradient.label.find('.', 2);
  return dot == std::string::npos ? gradient.label : "d." + gradient.label.substr(dot + 1);
}

}  // namespace foreshard
