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

struct Deviations;  // error_band.hpp

/// Numbers of weights of a model. Each weight is counted once; padding is not counted.
/// Source of the split: docs/formulas.md.
struct ParameterCounts {
  Parameters total;
  Parameters active;  ///< used by one token: of the experts, only the k that it is routed to
  /// The same without tables of which a token only looks up a row: the embedding, unless it is also the output
  /// head, and learned positions. Model cards count this way (gpt-oss: 5.13B of 116.83B).
  Parameters active_computed;
  Parameters mixer;      ///< linear mixers: Mamba-2, delta rules; with their gated norms
  Parameters attention;  ///< q, k, v, output projections and their biases
  Parameters ffn;        ///< weights and biases, with experts, without the router
  Parameters embedding;  ///< token and position tables and the output head; a tied table counts once
  Parameters norm;       ///< with q/k norms
  Parameters router;
  Parameters hyper;  ///< hyper-connections
  Parameters mtp;    ///< multi-token prediction: part of the total and of the figures above, but not active
};

/// Model FLOPs per token: matrix products only; attention counts the full s² scores; backward is twice
/// forward.
struct FlopsPerToken {
  Flops forward;
  Flops training;
  Flops training_causal;  ///< with the attention core halved
};

/// The step time by cause, mean over devices. Each instant of a device has exactly one cause: compute if a
/// kernel runs, else the communication axis that is waited for, else the bubble. The parts sum to the step
/// time.
struct StepBreakdown {
  Seconds compute;
  Seconds tp_exposed;
  Seconds pp_exposed;
  Seconds dp_exposed;
  Seconds cp_exposed;
  Seconds ep_exposed;
  Seconds offload_exposed;  ///< waits for copies from and to the host, and for its CPU
  Seconds bubble;
  Seconds optimizer;
  Seconds overhead;
  Seconds host;  ///< of overhead: the device is idle because its host has not issued the next operation
};

/// Compute time by kind of kernel, for the table: mean over devices, seconds in one step.
struct ComputeDetail {
  Seconds gemms;
  Seconds attention_core;
  Seconds scans;         ///< of linear mixers, with their convolutions
  Seconds memory_bound;  ///< pointwise, norms, embedding, loss
  double gemm_fraction_of_peak = 0.0;
  PartLimits limited;  ///< time of each part, the optimizer included, by what limits its kernels
};

/// What runs of such a job really take: the prediction is that of a healthy, tuned run. From published runs, or
/// from runs of the user's own system.
struct TypicalStep {
  Seconds time;               ///< half of the runs take longer
  Seconds low;                ///< a quarter of the runs takes less
  Seconds high;               ///< a quarter of the runs takes longer
  std::int64_t own_runs = 0;  ///< so many runs of the user's own system corrected it; 0: published runs
};

struct StepFigures {
  Seconds time;
  Seconds time_low;  ///< lower end of the band that should hold kBandShare of measured steps (error_band.hpp)
  Seconds time_high;
  TypicalStep typical;
  /// The kernels' relative part of the band. Unlike the systematic part, it is not common to all variants of
  /// a job.
  double spread = 0.0;
  FlopsTotal model_flops;
  FlopsTotal hardware_flops;      ///< executed FLOPs: with recomputation, also that inside flash attention
  FlopsTotal model_flops_causal;  ///< with the attention core halved
  double tokens = 0.0;            ///< per step
  double mfu = 0.0;
  double hfu = 0.0;
  double mfu_causal = 0.0;
  double bubble_fraction = 0.0;
  StepBreakdown breakdown;
  ComputeDetail detail;
};

/// Traffic along one axis in one step, of the device that sends most along it.
struct AxisTraffic {
  Bytes bytes_per_device;  ///< bytes that a ring algorithm sends
  std::int64_t calls = 0;
  Seconds time;  ///< of the collectives, whether or not compute hides it
};

/// Figures of one unsharded layer. tp_bytes is what one device sends for one micro-batch, forward and
/// backward.
struct LayerFigures {
  Parameters parameters;
  Flops flops_forward;  ///< of one micro-batch
  Flops flops_backward;
  Bytes tp_bytes;
};

/// One kind of layer: its attention (without norms) and its feed-forward network.
struct LayerSplit {
  std::string kind;         ///< name, as in the names of its blocks: "dense_layer"
  std::int64_t layers = 0;  ///< layers of this kind in the model
  bool has_experts = false;
  std::string mixer = "attention";  ///< what mixes the tokens, in words
  LayerFigures attention{};         ///< of the mixer
  LayerFigures ffn{};
};

/// Figures of the whole training run, if the job says how long it is. Device hours and cost include idle
/// devices of the job's nodes, because they are paid for; energy is that of the devices in use.
struct TrainingFigures {
  std::optional<double> steps;
  std::optional<Seconds> time;
  std::optional<double> device_hours;
  std::optional<Dollars> cost;
  std::optional<Joules> energy;
  std::optional<FailureFigures> failures{};  ///< if the job says how often devices fail
};

/// Everything that `plan` answers about one job.
struct Estimate {
  ParameterCounts parameters;
  FlopsPerToken flops_per_token;
  StepFigures step;
  MemoryReport memory;
  std::array<AxisTraffic, kCommAxisCount> communication;  ///< by CommAxis
  std::vector<LayerSplit> layer_kinds;                    ///< one entry per kind of layer
  LayerFigures attention;                                 ///< of the kind that usual_layer() chooses
  LayerFigures ffn;
  TrainingFigures training;
  std::vector<std::vector<std::int64_t>> stage_layers;  ///< layers of each chunk of each stage
  std::int64_t vocab_padding = 0;                       ///< rows added to the vocabulary
  /// How the step time was computed: "three micro-batches played" for one stage, "stages played apart, joined
  /// by their schedule" (pipeline_play.hpp), "the whole schedule played" (whole_pipeline.hpp), or "simulated".
  std::string basis;
  std::vector<std::string> notes;  ///< remarks for the reader, such as uneven stages or replicated heads
};

/// Time, cost and energy of all steps of the job.
TrainingFigures training_figures(const JobSpec& job, const StepFigures& step);

/// Sets the band and the typical time of a step from how far measured steps lie from predicted ones.
void set_band(StepFigures& step, const Deviations& deviations);

/// Estimates one job: builds its step program, sums it, and applies the job's overlap and the schedule's
/// bubble.
/// @pre `job` is legal (validate_job). @throws ResultError (check_estimate.hpp)
Estimate estimate(const JobSpec& job);

/// The same from a program that is already built.
Estimate estimate(const JobSpec& job, const StepProgram& program);

}  // namespace foreshard
