#pragma once

#include <cstdint>
#include <string>

#include "planner/spec/job/job_spec.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// How far a sharded run is from the same job on one device: ‖difference‖/‖unsharded‖ of one tensor, the
/// worst over tensors and ranks. The loss relative to itself.
struct ShardingErrors {
  double loss = 0.0;
  double outputs = 0.0;                 ///< logits of all micro-batches, first step
  double gradients = 0.0;               ///< of the first step, synchronised
  double weights = 0.0;                 ///< after the last step
  std::int64_t gradients_compared = 0;  ///< tensors on this rank
  std::string worst_gradient;           ///< on this rank: "layer.qkv.weight of layer 3"
  double unsharded_loss = 0.0;
  /// Tokens, layer by layer and step by step, that went where the unsharded run sent them though their own
  /// router would have chosen otherwise: two experts were all but alike.
  std::int64_t tokens_rerouted = 0;
};

/// The same model and batch on one device: no parallelism, no recomputation.
JobSpec unsharded(JobSpec job);

/// How far the loss and outputs may be from the unsharded run, norm-wise. In fp32 sums come in another order:
/// 1e-5. In bf16 every layer rounds what passes through it about eight times, by 2⁻⁸ at most: the steps of a
/// random walk, √(8·(layers + 1))/256.
double outputs_bound(const JobSpec& job);
/// The same of gradients. In bf16 they have come through the layers forward and backward, and the two runs
/// round on their own, where partial sums of tensor-parallel ranks are rounded before they meet: four such
/// walks, twice as far.
double gradients_bound(const JobSpec& job);

/// Runs `steps` steps of the job over the communicator's ranks and, on every rank, of the unsharded job,
/// whose choices of experts it replays, and compares. All ranks get the same figures, but for what is said of
/// "this rank".
/// @pre as RankPlan
ShardingErrors compare_with_unsharded(const JobSpec& job, Device& device, Communicator& communicator,
                                      int steps);

}  // namespace foreshard
