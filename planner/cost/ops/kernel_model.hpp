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

/// The time of one operation and what limits it.
struct OpTime {
  Seconds time;
  Limit limit = Limit::compute;
  std::int64_t kernels = 1;  ///< kernels that the host launches; 0 for a communication
  Seconds host{};            ///< time that the host needs to issue the operation (host_model.hpp)
};

/// Computes the time of one kernel on one accelerator, from the constants of its YAML. Formulas:
/// docs/cost_model.md. Constants that the YAML does not give are resolved at construction, so that pricing is
/// arithmetic only.
class KernelModel {
 public:
  /// @param flash the version of fused attention that runs. If none is given, or it was not measured on this
  /// accelerator, the accelerator's usual version is used
  /// @throws std::invalid_argument if the accelerator has no GEMM rate or no memory bandwidth at all
  explicit KernelModel(const AcceleratorSpec& accelerator, std::optional<FlashVersion> flash = std::nullopt);

  /// The time of a kernel: the maximum of its arithmetic and memory time at sustained rates, plus its fixed
  /// cost, at least the launch time. `more` is added to the fixed cost: the wait of a host that waits for
  /// each kernel, or, less than 0, what a CUDA graph saves. @pre `op` is not a communication.
  [[nodiscard]] OpTime time(const Op& op, const StepProgram& program, Seconds more = {}) const;

  /// The same for an operation that runs as several equal calls.
  [[nodiscard]] OpTime time_of_calls(const Op& op, const StepProgram& program, Seconds waiting) const;

  /// The time of an elementwise kernel that moves `traffic` bytes.
  [[nodiscard]] OpTime pass_time(Bytes traffic, Seconds more = {}) const;

  /// Dense peak rate of a data type, or of the nearest wider type that the device has a unit for.
  [[nodiscard]] FlopsPerSecond peak(DType type) const;
  /// What large products of a data type sustain of peak().
  [[nodiscard]] FlopsPerSecond sustained(DType type) const;

 private:
  /// The arithmetic time of one kernel, and its fixed cost before the arithmetic starts.
  struct Work {
    Seconds compute;
    Seconds fixed;
  };
  [[nodiscard]] Work work_of(const Op& op, const StepProgram& program) const;
  [[nodiscard]] Work gemm(const Gemm& gemm, bool accumulates) const;
  [[nodiscard]] Work grouped_gemm(const GroupedGemm& gemm, Phase phase, bool accumulates) const;
  [[nodiscard]] Work attention(const Attention& core, Phase phase) const;
  [[nodiscard]] Work scan(const LinearScan& scan, Phase phase) const;
  [[nodiscard]] Work index(const IndexScores& index, Phase phase) const;
  [[nodiscard]] Seconds memory_time(const Op& op, Bytes traffic) const;
  [[nodiscard]] FlopsPerSecond gemm_rate(DType math, bool accumulates) const;

  /// Bandwidth that large tensors reach with one memory access pattern.
  struct Bandwidth {
    BytesPerSecond forward;
    BytesPerSecond backward;
  };

  std::array<GemmRate, kDTypeCount> rates_;  ///< by DType; missing types have their fallback's rate
  std::array<Bandwidth, kMemoryPassCount> bandwidth_;
  std::optional<FlashAttention> flash_;
  double multiprocessors_ = 1.0;
  std::int64_t k_prologue_ = 0;
  double accumulate_ = 1.0;
  double grouped_efficiency_ = 1.0;
  double grouped_efficiency_fp8_ = 1.0;
  Seconds gemm_fixed_;
  Seconds grouped_fixed_;
  Seconds launch_;
  Bytes half_size_;
};

}  // namespace foreshard
