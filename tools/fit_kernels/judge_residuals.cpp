#include "tools/fit_kernels/judge_residuals.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "tools/fit_kernels/fit_accelerator.hpp"
#include "tools/fit_kernels/residual_table.hpp"

namespace foreshard::fit {
namespace {

/// A kernel of a set, and log(predicted/measured) of the closed form.
struct PlacedKernel {
  KernelPlace place;
  double log_ratio = 0.0;
};

std::vector<PlacedKernel> placed_kernels(const AcceleratorSpec& accelerator, const MeasuredSet& set) {
  std::vector<PlacedKernel> placed;
  const std::vector<double> ratios = log_ratios(accelerator, set);
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    const std::optional<KernelPlace> place = place_of(set.kernels[i]);
    if (place) placed.push_back({*place, ratios[i]});
  }
  return placed;
}

/// The mean error of kernels with what a table says of each.
double mean_error(const std::vector<PlacedKernel>& kernels,
                  const std::function<double(const PlacedKernel&)>& residual) {
  double sum = 0.0;
  for (const PlacedKernel& kernel : kernels)
    sum += std::abs(std::exp(kernel.log_ratio + residual(kernel)) - 1.0);
  return sum / static_cast<double>(kernels.size());
}

double error_left_out(const std::vector<PlacedKernel>& kernels) {
  // Kernels of one shape are in one half. Shapes alternate in the order of their sizes, so that a shape's neighbours are
  // mostly in the other half's table.
  using Shape = std::pair<std::uint64_t, std::array<double, KernelPlace::kSizes>>;
  std::map<Shape, std::size_t> half_of;
  for (const PlacedKernel& kernel : kernels) half_of[{kernel.place.kind, kernel.place.sizes}] = 0;
  std::size_t next = 0;
  for (auto& [shape, half] : half_of) half = next++ % 2;
  std::array<ResidualTable, 2> tables;
  const auto half = [&](const PlacedKernel& kernel) {
    return half_of.at({kernel.place.kind, kernel.place.sizes});
  };
  for (const PlacedKernel& kernel : kernels) tables.at(half(kernel)).add(kernel.place, -kernel.log_ratio);
  return mean_error(kernels,
                    [&](const PlacedKernel& kernel) { return tables.at(1 - half(kernel)).at(kernel.place); });
}

}  // namespace

std::vector<ResidualGain> judge_residuals(const AcceleratorSpec& accelerator,
                                          const std::map<std::string, MeasuredSet>& sets) {
  std::map<std::pair<Family, std::optional<FlashVersion>>, ResidualTable> of_fitted;
  for (const KernelFit& said : accelerator.fits) {
    const MeasuredSet& set = sets.at(said.data);
    if (!said.fitted) continue;
    for (const PlacedKernel& kernel : placed_kernels(accelerator, set))
      of_fitted[{set.family, set.kernels.front().flash}].add(kernel.place, -kernel.log_ratio);
  }
  std::vector<ResidualGain> gains;
  for (const KernelFit& said : accelerator.fits) {
    const MeasuredSet& set = sets.at(said.data);
    const std::vector<PlacedKernel> kernels = placed_kernels(accelerator, set);
    if (kernels.empty()) continue;
    ResidualGain gain{.data = said.data,
                      .fitted = said.fitted,
                      .kernels = static_cast<std::int64_t>(kernels.size()),
                      .error = mean_error(kernels, [](const PlacedKernel&) { return 0.0; }),
                      .left_out = error_left_out(kernels)};
    const auto table = of_fitted.find({set.family, set.kernels.front().flash});
    if (!said.fitted && table != of_fitted.end())
      gain.from_fitted =
          mean_error(kernels, [&](const PlacedKernel& kernel) { return table->second.at(kernel.place); });
    gains.push_back(std::move(gain));
  }
  return gains;
}

}  // namespace foreshard::fit
