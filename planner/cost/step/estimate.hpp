#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/step/compute_part.hpp"
#include "planner/cost/step/goodput.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Weights of a model, each counted once; padding never. Source of the split: docs/formulas.md.
struct ParameterCounts {
  Parameters total;
  Parameters active;     ///< that one token passes through: k of the experts
  Parameters attention;  ///< q, k, v, output projections and their biases
  Parameters ffn;        ///< with its biases; experts included, router not
  Parameters embedding;  ///< token and position tables and the output head, a tied table once
  Parameters norm;       ///< q/k norms included
  Parameters router;
};

/// Model FLOPs per token: matrix products only, attention's full s², backward twice forward.
struct FlopsPerToken {
  Flops forward;
  Flops training;
  Flops training_causal;  ///< attention core halved
};

/// Seconds of the step by cause: the mean over devices; each instant has one cause, in the order compute,
/// exposed axis, bubble. They sum to the step time.
struct StepBreakdown {
  Seconds compute;
  Seconds tp_exposed;
  Seconds pp_exposed;
  Seconds dp_exposed;
  Seconds cp_exposed;
  Seconds ep_exposed;
  Seconds bubble;
  Seconds optimizer;
  Seconds overhead;
};

/// Where compute time goes, for the table: mean over devices, seconds of one step.
struct ComputeDetail {
  Seconds gemms;
  Seconds attention_core;
  Seconds memory_bound;  ///< pointwise, norms, embedding, loss
  double gemm_fraction_of_peak = 0.0;
  PartLimits limited;  ///< each part, the optimizer too, by what limits its kernels
};

struct StepFigures {
  Seconds time;
  Seconds time_low;  ///< of the band that holds kBandShare of measured steps (error_band.hpp)
  Seconds time_high;
  /// The kernels' part of the band, relative: what is not common to all variants of a job.
  double spread = 0.0;
  FlopsTotal model_flops;
  FlopsTotal hardware_flops;      ///< with recomputation, flash attention's included
  FlopsTotal model_flops_causal;  ///< attention core halved
  double tokens = 0.0;            ///< per step
  double mfu = 0.0;
  double hfu = 0.0;
  double mfu_causal = 0.0;
  double bubble_fraction = 0.0;
  StepBreakdown breakdown;
  ComputeDetail detail;
};

/// Per step, of the device that sends most along this axis.
struct AxisTraffic {
  Bytes bytes_per_device;  ///< sent by a ring
  std::int64_t calls = 0;
  Seconds time;  ///< of the collectives, hidden or not
};

/// One layer, unsharded; tp_bytes as sent per device for one micro-batch, forward and backward.
struct LayerFigures {
  Parameters parameters;
  Flops flops_forward;  ///< one micro-batch
  Flops flops_backward;
  Bytes tp_bytes;
};

/// One kind of layer: its attention (norms left out) and its feed-forward network.
struct LayerSplit {
  std::string kind;         ///< as its blocks are called: "dense_layer"
  std::int64_t layers = 0;  ///< of this kind in the model
  bool has_experts = false;
  LayerFigures attention{};
  LayerFigures ffn{};
};

/// The whole training run, where the job says how long it is. Idle devices of its nodes are paid for: they
/// count as device hours and cost; energy is that of the devices in use.
struct TrainingFigures {
  std::optional<double> steps;
  std::optional<Seconds> time;
  std::optional<double> device_hours;
  std::optional<Dollars> cost;
  std::optional<Joules> energy;
  std::optional<FailureFigures> failures{};  ///< where the job says how often it fails
};

/// Everything that `plan` answers about one job.
struct Estimate {
  ParameterCounts parameters;
  FlopsPerToken flops_per_token;
  StepFigures step;
  MemoryReport memory;
  std::array<AxisTraffic, kCommAxisCount> communication;  ///< by CommAxis
  std::vector<LayerSplit> layer_kinds;                    ///< every kind of layer
  LayerFigures attention;                                 ///< of the usual kind, as in usual_layer()
  LayerFigures ffn;
  TrainingFigures training;
  std::vector<std::vector<std::int64_t>> stage_layers;  ///< layers of each chunk of each stage
  std::int64_t vocab_padding = 0;                       ///< rows added to the vocabulary
  /// Where the step time comes from: "three micro-batches played" on one stage, "stages played apart, joined by their
  /// schedule" (pipeline_play.hpp), "the whole schedule played" (stage_play.hpp), "simulated".
  std::string basis;
  std::vector<std::string> notes;  ///< what a reader should know: uneven stages, replicated heads
};

/// Time, money and energy of all steps that the job takes.
TrainingFigures training_figures(const JobSpec& job, const StepFigures& step);

/// Prices one job: builds its step program, sums it, applies the job's overlap and the schedule's bubble.
/// @pre `job` is legal (validate_job). @throws ResultError (check_estimate.hpp)
Estimate estimate(const JobSpec& job);

/// The same from a program already built.
Estimate estimate(const JobSpec& job, const StepProgram& program);

}  // namespace foreshard
