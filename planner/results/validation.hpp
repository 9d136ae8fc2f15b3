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

/// Where a prediction's kernel and link times come from: the constants of a cluster file, or a timing of this
/// job's very operations.
enum class Basis : std::uint8_t { model, replay };

/// One thing, predicted and measured.
struct PredictedAndMeasured {
  Seconds predicted;
  Seconds measured;  ///< median
  Seconds spread;    ///< half of the middle half's range
  /// predicted/measured − 1; none where nothing was predicted or measured.
  [[nodiscard]] std::optional<double> error() const {
    if (!(measured > Seconds(0.0)) || !(predicted > Seconds(0.0))) return std::nullopt;
    return predicted / measured - 1.0;
  }
};

/// Operations alike, on the average rank in one step.
struct ValidationRow {
  OpGroup group;
  PredictedAndMeasured time;
  bool measured = true;  ///< false: communication of a shard, of which there is the prediction alone
};

/// One rank's share of a job, run where the other ranks do not exist.
struct ShardView {
  std::int64_t rank = 0;
  std::int64_t devices = 1;
  std::int64_t stage = 0;
};

/// Whether the sharded run computes what the unsharded one does.
struct NumericsCheck {
  double loss = 0.0;  ///< relative differences, norm-wise
  double outputs = 0.0;
  double gradients = 0.0;
  std::int64_t gradients_compared = 0;
  double bound = 0.0;  ///< of loss and outputs
  double gradients_bound = 0.0;
  /// Tokens that went to the experts of the unsharded run though theirs were others, by a rounding.
  std::int64_t tokens_rerouted = 0;
  [[nodiscard]] bool passed() const {
    return loss <= bound && outputs <= bound && gradients <= gradients_bound;
  }
};

/// A number that the program foretells exactly, and what was counted.
struct Counted {
  std::int64_t planned = 0;
  std::int64_t counted = 0;
  [[nodiscard]] bool equal() const { return planned == counted; }
};

/// How the tokens of one step found their experts, over all layers, micro-batches and ranks; beside it what
/// the planner takes. Rows are pairs of a token and one of its experts.
struct RoutingCheck {
  std::int64_t fewest_rows = 0;  ///< of one expert, in one layer and micro-batch of its expert-parallel group
  std::int64_t most_rows = 0;
  double mean_rows = 0.0;            ///< the planner's mean: what each would get of an even spread
  double imbalance = 1.0;            ///< the busiest rank's rows over the mean rank's
  double planned_imbalance = 1.0;    ///< model.experts.imbalance, which arriving rows have room for
  std::int64_t planned_flops = 0;    ///< of the step, at the planner's rows
  std::int64_t planned_payload = 0;  ///< bytes, likewise
};

/// What was counted at the devices and communicators in one step; over all ranks.
struct CountCheck {
  Counted flops;
  Counted payload_bytes;
  Counted calls;
  Counted peak_bytes;  ///< the fullest rank's arena
  /// Of a mixture of experts, whose FLOPs and payload are planned above with as many rows as there were.
  std::optional<RoutingCheck> routing{};
  [[nodiscard]] bool passed() const {
    return flops.equal() && payload_bytes.equal() && calls.equal() && peak_bytes.equal();
  }
};

/// A job that was predicted and run.
struct Validation {
  std::string machine;  ///< "2 ranks on host a (AMD EPYC, 1 thread, OpenBLAS 0.3.21), Open MPI 4.1.4"
  std::vector<std::string> remarks;
  std::optional<NumericsCheck> numerics;  ///< none where it was not asked for
  std::optional<ShardView> shard;         ///< none where all ranks ran
  CountCheck counts;
  Bytes arena;  ///< memory that the fullest rank allocated: the peak, and gaps between tensors
  Basis basis = Basis::model;
  int steps = 0;
  std::vector<ValidationRow> rows;
  PredictedAndMeasured waiting;  ///< for other stages
  /// Collectives that no kernel hid, with what ranks wait in them; none where nothing runs beside kernels,
  /// and the rows add up to the step.
  std::optional<PredictedAndMeasured> exposed;
  PredictedAndMeasured overhead;  ///< between operations; predicted as nothing
  PredictedAndMeasured step;
  std::optional<Seconds> other_step;  ///< predicted on the other basis
  std::optional<double> tolerance;    ///< of the step's error

  /// Numerics and counts hold, and the step is predicted within the tolerance.
  [[nodiscard]] bool passed() const;
};

}  // namespace foreshard
