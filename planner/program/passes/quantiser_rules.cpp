#include "planner/program/passes/quantiser_rules.hpp"

#include "planner/frameworks/framework.hpp"

namespace foreshard {

namespace {

/// What the format demands, whoever makes it.
QuantiserRules of_format(const TrainingSpec& training) {
  QuantiserRules rules;
  rules.format = product_type(training.precision, training.fp8_scaling);
  switch (rules.format) {
    case DType::fp8_rowwise: rules.across_differs = rules.measures_across = true; break;
    case DType::fp8_block:
    case DType::mxfp8: rules.across_differs = true; break;
    case DType::nvfp4: rules.across_differs = rules.measures = true; break;
    default: rules.delayed = training.fp8_scaling == Fp8Scaling::delayed; rules.measures = !rules.delayed;
  }
  return rules;
}

/// Units that scale by blocks of 32 take operands of any layout; the generation before them does not.
bool takes_any_layout(const AcceleratorSpec& accelerator) {
  return accelerator.gemm[static_cast<std::size_t>(DType::mxfp8)].has_value();
}

void add_transformer_engine(QuantiserRules& rules) {
  rules.norm_writes = rules.delayed || rules.format == DType::mxfp8;
  rules.norm_measures = rules.format == DType::fp8;
  rules.keeps_attention_output = !rules.delayed;
  rules.shares_magnitudes = rules.measures;
}

void add_torchao(QuantiserRules& rules) {
  rules.keeps_copies = rules.keeps_weight_copies = false;
  rules.gathers_copies = rules.shares_magnitudes = rules.format == DType::fp8;
  rules.delayed = false;
}

void add_fused(QuantiserRules& rules) {
  rules.norm_writes = rules.activation_writes = !rules.measures;
  rules.norm_measures = rules.activation_measures = rules.measures;
  rules.keeps_attention_output = true;
  rules.shares_magnitudes = rules.measures;
  // A product cannot sum over rows that each rank has scaled column by column.
  rules.gathers_copies = rules.format != DType::fp8_rowwise;
}

}  // namespace

bool activates_in_products(const JobSpec& job) {
  return job.training.fused_grouped_gemm && job.training.precision == Precision::mxfp8;
}

std::optional<QuantiserRules> quantiser_rules(const JobSpec& job) {
  const TrainingSpec& training = job.training;
  if (!is_scaled(product_type(training.precision, training.fp8_scaling))) return std::nullopt;
  QuantiserRules rules = of_format(training);
  rules.transposes = !rules.across_differs && !takes_any_layout(job.cluster.accelerator);
  switch (framework_conventions(job.framework).quantisers) {
    case Quantisers::transformer_engine: add_transformer_engine(rules); break;
    case Quantisers::torchao: add_torchao(rules); break;
    case Quantisers::fused: add_fused(rules); break;
  }
  rules.experts_activation_writes = activates_in_products(job);
  rules.parameter_gather = training.low_precision.parameter_gather;
  rules.attention = training.low_precision.attention == AttentionPrecision::fp8;
  return rules;
}

}  // namespace foreshard
