#include "tools/fit_kernels/residual_table.hpp"

#include <cmath>
#include <variant>

namespace foreshard::fit {
namespace {

constexpr double kWeightOfModel = 0.0183;  // e⁻⁴

double log2_of(std::int64_t size) { return std::log2(static_cast<double>(size)); }

/// Numbers of a mixed radix: a kind has a digit for each of its properties.
class Kind {
 public:
  Kind& with(std::uint64_t digit) {
    number_ = number_ * 16 + digit;
    return *this;
  }
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  std::uint64_t number_ = 1;
};

}  // namespace

std::optional<KernelPlace> place_of(const MeasuredKernel& kernel) {
  const Op& op = kernel.ops.front();
  Kind kind;
  kind.with(op.kind.index() % 16)
      .with(op.kind.index() / 16)
      .with(static_cast<std::uint64_t>(op.phase))
      .with(kernel.ops.size());
  if (const auto* product = std::get_if<Gemm>(&op.kind)) {
    const bool accumulates = op.operands.size() > 2 && op.operands[2].access == Access::accumulate;
    kind.with(static_cast<std::uint64_t>(product->math)).with(accumulates ? 1 : 0);
    return KernelPlace{kind.number(),
                       {log2_of(product->batch * product->m), log2_of(product->n), log2_of(product->k), 0.0}};
  }
  if (const auto* grouped = std::get_if<GroupedGemm>(&op.kind)) {
    kind.with(static_cast<std::uint64_t>(grouped->math));
    return KernelPlace{
        kind.number(),
        {log2_of(grouped->experts),
         std::log2(static_cast<double>(grouped->tokens) / static_cast<double>(grouped->experts)),
         log2_of(grouped->n), log2_of(grouped->k)}};
  }
  if (const auto* core = std::get_if<Attention>(&op.kind)) {
    kind.with(static_cast<std::uint64_t>(core->math)).with(core->causal ? 1 : 0);
    return KernelPlace{kind.number(),
                       {log2_of(core->batch * core->heads), log2_of(core->query), log2_of(core->key),
                        log2_of(core->head_dim)}};
  }
  return std::nullopt;
}

double ResidualTable::at(const KernelPlace& place) const {
  double residuals = 0.0;
  double weights = kWeightOfModel;
  for (const Point& point : points_) {
    if (point.place.kind != place.kind) continue;
    double square = 0.0;
    for (std::size_t i = 0; i < KernelPlace::kSizes; ++i) {
      const double octaves = place.sizes[i] - point.place.sizes[i];
      square += octaves * octaves;
    }
    const double weight = std::exp(-square);
    residuals += weight * point.residual;
    weights += weight;
  }
  return residuals / weights;
}

}  // namespace foreshard::fit
