#include "planner/program/exchange_overlap.hpp"

namespace foreshard {

bool overlaps_product(const ProgramBuilder& builder, CollectiveKind kind, Component reader, Phase phase) {
  const JobSpec& job = builder.job();
  if (job.training.overlap.tp != TpOverlap::full) return false;
  if (!job.conventions().finds_single_products) return true;
  if (kind == CollectiveKind::all_gather)
    return product_type(job.training.precision, job.training.fp8_scaling) != DType::fp8_rowwise;
  const bool sums_products =
      reader == Component::attention || (reader == Component::ffn && is_gated(job.model.ffn));
  return !is_backward(phase) || !sums_products;
}

}  // namespace foreshard
