#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "planner/program/ops/op.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/accelerator_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What limits an operation.
enum class Limit : std::uint8_t { compute, memory, launch, network };
inline constexpr std::size_t kLimitCount = 4;

struct OpTime {
  Seconds time;
  Limit limit = Limit::compute;
  std::int64_t kernels = 1;  ///< that the host submits; of a communication 0
};

/// The time of one kernel on one accelerator, by the constants of its YAML. Formulas: docs/cost_model.md.
/// Everything that a constant leaves unsaid is resolved at construction, so that pricing only computes.
class KernelModel {
 public:
  /// @param flash the version of fused attention that runs; unsaid, or one that nobody measured on this
  /// accelerator: its usual one
  /// @throws std::invalid_argument where the accelerator has no GEMM rate or memory bandwidth at all
  explicit KernelModel(const AcceleratorSpec& accelerator, std::optional<FlashVersion> flash = std::nullopt);

  /// A kernel: max of arithmetic and memory time at sustained rates, plus fixed cost, not below the launch
  /// floor. `waiting` is what the host adds to every kernel that it waits for.
  /// @pre `op` is no communication.
  [[nodiscard]] OpTime time(const Op& op, const StepProgram& program, Seconds waiting = {}) const;

  /// An elementwise kernel that moves so many bytes.
  [[nodiscard]] OpTime pass_time(Bytes traffic, Seconds waiting = {}) const;

  /// Dense peak of a data type, or of the nearest wider one for which the device has a unit.
  [[nodiscard]] FlopsPerSecond peak(DType type) const;

 private:
  /// How arithmetic of one kernel goes: how long it takes, and what is lost before it starts.
  struct Work {
    Seconds compute;
    Seconds fixed;
  };
  [[nodiscard]] Work work_of(const Op& op, const StepProgram& program) const;
  [[nodiscard]] Work gemm(const Gemm& gemm, bool accumulates) const;
  [[nodiscard]] Work grouped_gemm(const GroupedGemm& gemm, Phase phase, bool accumulates) const;
  [[nodiscard]] Work attention(const Attention& core, Phase phase) const;
  [[nodiscard]] Seconds memory_time(const Op& op, Bytes traffic) const;
  [[nodiscard]] FlopsPerSecond gemm_rate(DType math, bool accumulates) const;

  /// Bandwidth that large tensors reach in one kind of pass.
  struct Bandwidth {
    BytesPerSecond forward;
    BytesPerSecond backward;
  };

  std::array<GemmRate, kDTypeCount> rates_;  ///< by DType, with fallbacks
  std::array<Bandwidth, kMemoryPassCount> bandwidth_;
  std::optional<FlashAttention> flash_;
  double multiprocessors_ = 1.0;
  std::int64_t k_prologue_ = 0;
  double accumulate_ = 1.0;
  double grouped_efficiency_ = 1.0;
  Seconds gemm_fixed_;
  Seconds grouped_fixed_;
  Seconds launch_;
  Bytes half_size_;
};

}  // namespace foreshard
