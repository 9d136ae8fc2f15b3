#include "tools/fit_kernels/constants_to_fit.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "planner/cost/memory/memory_pass.hpp"

namespace foreshard::fit {
namespace {

constexpr int kDigits = 3;
constexpr double kMicro = 1e-6;
// Upper bounds of the search. A fit to large products alone would put the tails of their last waves into the
// fixed cost or the prologue, and so mispredict small products. The bounds keep both in a range that a launch
// and the stages of a tile can explain.
constexpr double kMostFixed = 10.0;      // us
constexpr double kMostPrologue = 128.0;  // elements of k

template <class Predicate>
bool any_kernel(const Sets& sets, Predicate is) {
  return std::any_of(sets.begin(), sets.end(), [&](const MeasuredSet* set) {
    return std::any_of(set->kernels.begin(), set->kernels.end(), is);
  });
}

/// Rounds to one decimal, as microseconds are written in the YAML.
double tenths(double value) { return std::round(value * 10.0) / 10.0; }

Knob fraction_knob(double start, std::function<void(AcceleratorSpec&, double)> turn) {
  return {.space = {.start = start, .step = 0.1, .least = 0.02, .most = 1.0}, .turn = std::move(turn)};
}

Knob memory_knob(const AcceleratorSpec& accelerator, MemoryPass pass, bool backward) {
  constexpr double kMostOfMemory = 0.95;  // the most that plain streams reach
  const auto index = static_cast<std::size_t>(pass);
  const MemoryFraction& fraction = accelerator.kernels.memory_fraction[index];
  const double forward = fraction.forward.value_or(accelerator.kernels.memory_efficiency);
  Knob knob = fraction_knob(backward ? fraction.backward.value_or(forward) : forward,
                            [index, backward](AcceleratorSpec& spec, double value) {
                              MemoryFraction& turned = spec.kernels.memory_fraction[index];
                              (backward ? turned.backward : turned.forward) = rounded(value, kDigits);
                            });
  knob.space.most = kMostOfMemory;
  return knob;
}

/// Matrix units multiply bf16 and fp16 at the same rate, so a measurement with one sets both.
Knob efficiency_knob(const AcceleratorSpec& accelerator, DType math) {
  std::vector<DType> types{math};
  if (math == DType::bf16) types.push_back(DType::fp16);
  if (math == DType::fp16) types.push_back(DType::bf16);
  const double start =
      accelerator.gemm[static_cast<std::size_t>(math)].value_or(GemmRate{{}, 0.5}).efficiency;
  return fraction_knob(start, [types](AcceleratorSpec& spec, double value) {
    for (const DType type : types)
      if (auto& rate = spec.gemm[static_cast<std::size_t>(type)]) rate->efficiency = rounded(value, kDigits);
  });
}

std::vector<Knob> gemm_knobs(const AcceleratorSpec& accelerator, const Sets& sets) {
  const KernelConstants& kernels = accelerator.kernels;
  std::vector<Knob> knobs{
      {.space = {.start = kernels.gemm_fixed.value() / kMicro, .step = 3.0, .least = 0.0, .most = kMostFixed},
       .turn = [](AcceleratorSpec& spec,
                  double value) { spec.kernels.gemm_fixed = Seconds(tenths(value) * kMicro); }},
      {.space = {.start = static_cast<double>(kernels.gemm_k_prologue),
                 .step = 100.0,
                 .least = 0.0,
                 .most = kMostPrologue},
       .turn = [](AcceleratorSpec& spec,
                  double value) { spec.kernels.gemm_k_prologue = std::lround(value); }},
      memory_knob(accelerator, MemoryPass::gemm, false)};
  std::set<DType> types;
  for (const MeasuredSet* set : sets)
    for (const MeasuredKernel& kernel : set->kernels)
      types.insert(std::get<Gemm>(kernel.ops.front().kind).math);
  for (const DType type : types) knobs.push_back(efficiency_knob(accelerator, type));
  const auto accumulates = [](const MeasuredKernel& kernel) {
    return kernel.ops.front().operands.back().access == Access::accumulate;
  };
  if (any_kernel(sets, accumulates)) {
    knobs.push_back(fraction_knob(kernels.gemm_accumulate, [](AcceleratorSpec& spec, double value) {
      spec.kernels.gemm_accumulate = rounded(value, kDigits);
    }));
  }
  return knobs;
}

std::vector<Knob> grouped_knobs(const AcceleratorSpec& accelerator) {
  const KernelConstants& kernels = accelerator.kernels;
  return {
      {.space = {.start = kernels.grouped_fixed.value() / kMicro, .step = 1.0, .least = 0.0, .most = 20.0},
       .turn = [](AcceleratorSpec& spec,
                  double value) { spec.kernels.grouped_fixed = Seconds(tenths(value) * kMicro); }},
      // An accelerator with a rate of its own for 8 bits has measured kernels of these.
      fraction_knob(kernels.grouped_efficiency_fp8.value_or(kernels.grouped_efficiency),
                    [](AcceleratorSpec& spec, double value) {
                      std::optional<double>& fp8 = spec.kernels.grouped_efficiency_fp8;
                      (fp8 ? *fp8 : spec.kernels.grouped_efficiency) = rounded(value, kDigits);
                    }),
      memory_knob(accelerator, MemoryPass::grouped_gemm, false)};
}

Knob rate_knob(FlashVersion version, bool backward, double AttentionRate::*constant, Coordinate space) {
  return {.space = space, .turn = [=](AcceleratorSpec& spec, double value) {
            std::optional<FlashAttention>& flash = spec.kernels.attention[static_cast<std::size_t>(version)];
            if (!flash) flash.emplace();
            AttentionRate& rate = backward ? flash->backward : flash->forward;
            rate.*constant = rounded(value, kDigits);
          }};
}

Coordinate efficiency_space(const AttentionRate& rate) { return {rate.efficiency, 0.1, 0.02, 1.0}; }
Coordinate score_cost_space(const AttentionRate& rate) { return {rate.score_cost, 15.0, 0.0, 200.0}; }
Coordinate key_prologue_space(const AttentionRate& rate) { return {rate.key_prologue, 80.0, 0.0, 1000.0}; }
/// Bounds of tail_rows: the last wave is idle for at most one tile of rows.
Coordinate tail_rows_space(const AttentionRate& rate, FlashVersion version) {
  const bool wide = version == FlashVersion::cudnn || version == FlashVersion::fa4;
  return {rate.tail_rows, 50.0, 0.0, wide ? 256.0 : 128.0};
}

/// Constants for measurements that time forward and backward together and so cannot separate them. Each knob
/// sets both directions: the efficiencies keep their ratio, the other constants are equal.
std::vector<Knob> joint_knobs(FlashVersion version, const FlashAttention& present) {
  const double ratio = present.backward.efficiency / present.forward.efficiency;
  const auto in_both = [version](double AttentionRate::*constant, double share, Coordinate space) {
    const Knob forward = rate_knob(version, false, constant, space);
    const Knob backward = rate_knob(version, true, constant, space);
    return Knob{.space = space, .turn = [=](AcceleratorSpec& spec, double value) {
                  forward.turn(spec, value);
                  backward.turn(spec, share * value);
                }};
  };
  const AttentionRate& rate = present.forward;
  return {in_both(&AttentionRate::efficiency, ratio, efficiency_space(rate)),
          in_both(&AttentionRate::score_cost, 1.0, score_cost_space(rate)),
          in_both(&AttentionRate::key_prologue, 1.0, key_prologue_space(rate))};
}

std::vector<Knob> attention_knobs(const AcceleratorSpec& accelerator, const Sets& sets) {
  const FlashVersion version = sets.front()->kernels.front().flash.value();
  const FlashAttention present = accelerator.kernels.attention[static_cast<std::size_t>(version)].value_or(
      FlashAttention{.forward = {0.5, 20.0, 150.0, 80.0}, .backward = {0.42, 20.0, 200.0, 40.0}});
  if (!any_kernel(sets, [](const MeasuredKernel& kernel) { return kernel.ops.size() == 1; }))
    return joint_knobs(version, present);
  std::vector<Knob> knobs;
  for (const bool backward : {false, true}) {
    if (!any_kernel(sets, [&](const MeasuredKernel& kernel) {
          return is_backward(kernel.ops.back().phase) == backward;
        }))
      continue;
    const AttentionRate& rate = backward ? present.backward : present.forward;
    knobs.push_back(rate_knob(version, backward, &AttentionRate::efficiency, efficiency_space(rate)));
    knobs.push_back(rate_knob(version, backward, &AttentionRate::score_cost, score_cost_space(rate)));
    knobs.push_back(rate_knob(version, backward, &AttentionRate::key_prologue, key_prologue_space(rate)));
    knobs.push_back(rate_knob(version, backward, &AttentionRate::tail_rows, tail_rows_space(rate, version)));
  }
  return knobs;
}

/// True if the kernels have several sizes: those of one size do not show how bandwidth grows with size.
bool tells_half_size(const Sets& sets) {
  constexpr double kRange = 4.0;
  Seconds shortest = sets.front()->kernels.front().time;
  Seconds longest = shortest;
  for (const MeasuredSet* set : sets) {
    for (const MeasuredKernel& kernel : set->kernels) {
      shortest = std::min(shortest, kernel.time);
      longest = std::max(longest, kernel.time);
    }
  }
  return longest > kRange * shortest;
}

std::vector<Knob> memory_knobs(const AcceleratorSpec& accelerator, const Sets& sets) {
  std::vector<Knob> knobs;
  if (tells_half_size(sets)) {
    const double megabytes = accelerator.kernels.memory_half_size.as_double() / 1e6;
    knobs.push_back({.space = {.start = megabytes, .step = 3.0, .least = 0.0, .most = 60.0},
                     .turn = [](AcceleratorSpec& spec, double value) {
                       spec.kernels.memory_half_size = Bytes(std::llround(rounded(value, 2) * 1e6));
                     }});
  }
  std::set<std::pair<MemoryPass, bool>> passes;
  for (const MeasuredSet* set : sets)
    for (const MeasuredKernel& kernel : set->kernels)
      passes.emplace(memory_pass_of(kernel.ops.front()), is_backward(kernel.ops.front().phase));
  for (const auto& [pass, backward] : passes) knobs.push_back(memory_knob(accelerator, pass, backward));
  return knobs;
}

}  // namespace

std::vector<Knob> knobs_for(const AcceleratorSpec& accelerator, const Sets& sets) {
  switch (sets.front()->family) {
    case Family::gemm: return gemm_knobs(accelerator, sets);
    case Family::grouped_gemm: return grouped_knobs(accelerator);
    case Family::attention: return attention_knobs(accelerator, sets);
    case Family::memory: return memory_knobs(accelerator, sets);
    case Family::unfused:
      // Forward and backward are timed together, so they get one common fraction.
      return {memory_knob(accelerator, MemoryPass::softmax, false)};
  }
  return {};
}

}  // namespace foreshard::fit
