#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/frameworks/framework.hpp"
#include "planner/spec/types/cluster_spec.hpp"
#include "planner/spec/types/failure_spec.hpp"
#include "planner/spec/types/model_spec.hpp"
#include "planner/units/dtype.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

enum class CpStyle : std::uint8_t { ring, all_gather, ulysses };
enum class StagePolicy : std::uint8_t { even, by_cost, listed };
enum class Precision : std::uint8_t { fp32, bf16, fp16, fp8 };
enum class AttentionKind : std::uint8_t { flash, unfused };
enum class Fp8Scaling : std::uint8_t { tensorwise, rowwise, mx };
enum class Launch : std::uint8_t { async, blocking };
enum class Recompute : std::uint8_t { none, selective, selective_ops, full };
enum class ScheduleKind : std::uint8_t { gpipe, one_f_one_b, interleaved, zero_bubble };
enum class OptimizerKind : std::uint8_t { adamw, adam, sgd };
enum class MemoryKind : std::uint8_t { allocated, reserved, other };

/// Degrees multiply to the devices: tp · pp · cp · dp. ep divides dp · cp. All at least 1.
struct ParallelismSpec {
  std::int64_t tp = 1;
  std::int64_t pp = 1;
  std::int64_t vp = 1;  ///< model chunks per stage (interleaved schedules)
  std::int64_t cp = 1;
  std::int64_t ep = 1;
  std::int64_t dp = 1;
  bool sequence_parallel = false;
  int zero = 0;  ///< 0 … 3
  CpStyle cp_style = CpStyle::ring;
  StagePolicy stage_policy = StagePolicy::even;
  std::vector<std::int64_t> stage_layers;  ///< one per stage (pp · vp chunks in model order) when listed
};

/// How long a training is, in passes over its data.
struct DatasetSpec {
  double epochs = 1.0;
  std::int64_t samples = 0;  ///< sequences of one epoch
  friend bool operator==(const DatasetSpec&, const DatasetSpec&) = default;
};

struct TrainingSpec {
  std::int64_t sequence_length = 0;  ///< tokens
  std::int64_t global_batch = 0;     ///< sequences per step
  std::int64_t micro_batch = 0;      ///< sequences per data-parallel rank and micro-batch
  Precision precision = Precision::bf16;
  AttentionKind attention = AttentionKind::flash;
  std::optional<FlashVersion> flash;  ///< unsaid: the accelerator's usual
  bool compiled = true;               ///< pointwise operations fused
  DType gradient_dtype = DType::fp32;
  Fp8Scaling fp8_scaling = Fp8Scaling::tensorwise;
  Launch launch = Launch::async;
  Recompute recompute = Recompute::none;
  ScheduleKind schedule = ScheduleKind::one_f_one_b;
  OverlapSpec overlap;
  OptimizerKind optimizer = OptimizerKind::adamw;
  bool dropout = false;                ///< residual and attention dropout are run
  std::optional<Tokens> tokens;        ///< of the whole training
  std::optional<DatasetSpec> dataset;  ///< the same said in epochs; never both
  std::optional<FailureSpec> failures;

  /// Steps of the whole training; none where the job does not say how long it is. Tokens may end within a
  /// step, sequences fill the last one up.
  [[nodiscard]] std::optional<double> steps() const;
};

/// Low-rank adapters beside frozen weights (Hu et al. 2021, arXiv:2106.09685): y = x·Wᵀ + (x·Aᵀ)·Bᵀ.
struct LoraSpec {
  std::int64_t rank = 0;
  bool attention = false;  ///< adapters on the attention projections
  bool ffn = false;        ///< adapters on the FFN's
};

/// What somebody measured for this very job.
struct MeasuredSpec {
  std::optional<Seconds> step_time;
  std::optional<Bytes> peak_memory;
  MemoryKind memory_kind = MemoryKind::other;
  std::string source;
  std::string derived;
  std::string assumed;
};

/// A training step to be planned. Readers fill every default, so nothing downstream asks what was left
/// unsaid.
struct JobSpec {
  std::string name;
  ModelSpec model;
  ClusterSpec cluster;
  Framework framework = Framework::foreshard;
  ParallelismSpec parallelism;
  TrainingSpec training;
  std::optional<LoraSpec> lora;
  std::optional<MeasuredSpec> measured;

  /// Micro-batches that one data-parallel rank runs per step.
  [[nodiscard]] std::int64_t micro_batches() const {
    return training.global_batch / (parallelism.dp * training.micro_batch);
  }
};

}  // namespace foreshard
