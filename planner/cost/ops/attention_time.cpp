#include <algorithm>

#include "planner/cost/ops/kernel_model.hpp"

namespace foreshard {
namespace {

/// The head dimension for which AttentionRate::efficiency is given.
constexpr double kUsualHead = 128.0;

/// The work per attention score: the number of matrix products that it takes part in, and the sum of their
/// inner dimensions (`width`). Forward: S = Q·Kᵀ over head_dim, O = P·V over v_head_dim. Backward: S again,
/// dQ and dK over head_dim, dP and dV over v_head_dim.
struct ScoreWork {
  double width;
  double products;
};
ScoreWork score_work(const Attention& core, bool backward) {
  const auto qk = static_cast<double>(core.head_dim);
  const auto v = static_cast<double>(core.v_head_dim);
  return backward ? ScoreWork{3.0 * qk + 2.0 * v, 5.0} : ScoreWork{qk + v, 2.0};
}

}  // namespace

KernelModel::Work KernelModel::attention(const Attention& core, Phase phase) const {
  // Constants are those of bf16. In fp8 the products run faster by the ratio of the peaks; exponentials do not.
  const bool in_fp8 = core.math == DType::fp8;
  const GemmRate& gemm = rates_[static_cast<std::size_t>(in_fp8 ? DType::bf16 : core.math)];
  const double products = in_fp8 ? std::min(1.0, gemm.peak / peak(DType::fp8)) : 1.0;
  const bool backward = is_backward(phase);
  AttentionRate rate{.efficiency = gemm.efficiency};  // if flash attention was not measured
  if (flash_) {
    rate = backward ? flash_->backward : flash_->forward;
    rate.efficiency *= flash_->in_step;
  }
  const auto rows = static_cast<double>(checked_product(core.batch, core.heads, core.query));
  const auto key = static_cast<double>(core.key);
  const double seen = core.causal ? key / 2.0 : key;  // keys per row, on average
  const double scores = core.imbalance * rows * (seen + rate.key_prologue) +
                        multiprocessors_ * rate.tail_rows * (key + rate.key_prologue);
  const ScoreWork work = score_work(core, backward);
  // The cost of a score is that of its products and its exponential, scaled so that the given efficiency
  // holds at kUsualHead.
  const double width =
      (products * work.width + work.products * rate.score_cost) * kUsualHead / (kUsualHead + rate.score_cost);
  return {.compute = Seconds(2.0 * scores * width / (rate.efficiency * gemm.peak).value()), .fixed = launch_};
}

}  // namespace foreshard
