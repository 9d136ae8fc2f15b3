#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/program/op_groups.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Where a prediction takes the times of kernels and links from: `model`, the constants of a cluster file;
/// `replay`, a timing of the job's own operations.
enum class Basis : std::uint8_t { model, replay };

/// A predicted and a measured time.
struct PredictedAndMeasured {
  Seconds predicted;
  Seconds measured;  ///< median
  Seconds spread;    ///< half of the interquartile range
  /// predicted/measured − 1; none if one of the two is missing.
  [[nodiscard]] std::optional<double> error() const {
    if (!(measured > Seconds(0.0)) || !(predicted > Seconds(0.0))) return std::nullopt;
    return predicted / measured - 1.0;
  }
};

/// A group of similar operations: their time in one step on the average rank.
struct ValidationRow {
  OpGroup group;
  PredictedAndMeasured time;
  bool measured = true;  ///< false for the communication of a shard, which is only predicted
};

/// The rank of a job whose share is run alone, without the other ranks.
struct ShardView {
  std::int64_t rank = 0;
  std::int64_t devices = 1;
  std::int64_t stage = 0;
};

/// Compares the results of the sharded run with those of the unsharded run.
struct NumericsCheck {
  double loss = 0.0;  ///< this and the next two: relative differences, in the norm
  double outputs = 0.0;
  double gradients = 0.0;
  std::int64_t gradients_compared = 0;
  double bound = 0.0;  ///< for loss and outputs
  double gradients_bound = 0.0;
  /// Tokens that were sent to the experts of the unsharded run although the router had chosen others, due to
  /// rounding.
  std::int64_t tokens_rerouted = 0;
  [[nodiscard]] bool passed() const {
    return loss <= bound && outputs <= bound && gradients <= gradients_bound;
  }
};

/// A number that the step program predicts exactly, and the number that was counted.
struct Counted {
  std::int64_t planned = 0;
  std::int64_t counted = 0;
  [[nodiscard]] bool equal() const { return planned == counted; }
};

/// How the tokens of one step were routed to experts, over all layers, micro-batches and ranks, and what the
/// planner assumes. A row is a pair of a token and one of its experts.
struct RoutingCheck {
  std::int64_t fewest_rows = 0;  ///< of one expert, in one layer and micro-batch of its expert-parallel group
  std::int64_t most_rows = 0;
  double mean_rows = 0.0;            ///< the planner's mean: rows per expert if they were spread evenly
  double imbalance = 1.0;            ///< rows of the busiest rank divided by the mean of all ranks
  double planned_imbalance = 1.0;    ///< model.experts.imbalance, for which buffers have room
  std::int64_t planned_flops = 0;    ///< of the step, with the planner's number of rows
  std::int64_t planned_payload = 0;  ///< bytes, likewise
};

/// Counts of the devices and communicators in one step, over all ranks, with the planned numbers.
struct CountCheck {
  Counted flops;
  Counted payload_bytes;
  Counted calls;
  Counted peak_bytes;  ///< of the rank with the largest peak in its arena
  /// Only for a mixture of experts. The planned FLOPs and payload above use the actual number of rows.
  std::optional<RoutingCheck> routing{};
  [[nodiscard]] bool passed() const {
    return flops.equal() && payload_bytes.equal() && calls.equal() && peak_bytes.equal();
  }
};

/// The result of `validate`: a job that was predicted and run.
struct Validation {
  std::string machine;  ///< "2 ranks on host a (AMD EPYC, 1 thread, OpenBLAS 0.3.21), Open MPI 4.1.4"
  std::vector<std::string> remarks;
  std::optional<NumericsCheck> numerics;  ///< none if it was not asked for
  std::optional<ShardView> shard;         ///< none if all ranks ran
  CountCheck counts;
  Bytes arena;  ///< largest allocation of any rank: the peak plus gaps between tensors
  Basis basis = Basis::model;
  int steps = 0;
  std::vector<ValidationRow> rows;
  PredictedAndMeasured waiting;  ///< waits for other stages
  /// Time of collectives not hidden by kernels, including waits for other ranks. None if nothing is
  /// asynchronous: then the rows add up to the step.
  std::optional<PredictedAndMeasured> exposed;
  PredictedAndMeasured overhead;  ///< time between operations; predicted as 0
  PredictedAndMeasured step;
  std::optional<Seconds> other_step;  ///< prediction on the other basis
  std::optional<double> tolerance;    ///< for the error of the step time

  /// True if numerics and counts agree and the predicted step time is within the tolerance.
  [[nodiscard]] bool passed() const;
};

}  // namespace foreshard
