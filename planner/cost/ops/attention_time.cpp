#include "planner/cost/ops/kernel_model.hpp"

namespace foreshard {
namespace {

/// The head dimension at which AttentionRate::efficiency is stated.
constexpr double kUsualHead = 128.0;

/// Elements of a head that the products of one score run over, forward S = Q·Kᵀ and O = P·V, backward S
/// again, dQ and dK over head_dim, dP and dV over v_head_dim; and how many products that are.
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
  // Flash attention in fp8 is a thing of its own: fp8 jobs keep it in bf16.
  const GemmRate& gemm = rates_[static_cast<std::size_t>(core.math == DType::fp8 ? DType::bf16 : core.math)];
  const bool backward = is_backward(phase);
  AttentionRate rate{.efficiency = gemm.efficiency};  // where nobody measured it
  if (flash_) {
    rate = backward ? flash_->backward : flash_->forward;
    rate.efficiency *= flash_->in_step;
  }
  const auto rows = static_cast<double>(checked_product(core.batch, core.heads, core.query));
  const auto key = static_cast<double>(core.key);
  const double seen = core.causal ? key / 2.0 : key;  // by a row, on average
  const double scores =
      rows * (seen + rate.key_prologue) + multiprocessors_ * rate.tail_rows * (key + rate.key_prologue);
  const ScoreWork work = score_work(core, backward);
  // A score costs its products and its exponential; at kUsualHead this is the stated efficiency.
  const double width =
      (work.width + work.products * rate.score_cost) * kUsualHead / (kUsualHead + rate.score_cost);
  return {.compute = Seconds(2.0 * scores * width / (rate.efficiency * gemm.peak).value()), .fixed = launch_};
}

}  // namespace foreshard
