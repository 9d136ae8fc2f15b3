#pragma once

#include <cstdint>
#include <string>

#include "planner/spec/types/job_spec.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// How far a sharded run is from the same job on one device: ‖sharded − unsharded‖/‖unsharded‖ per tensor,
/// the maximum over tensors and ranks. For the loss: the relative difference.
struct ShardingErrors {
  double loss = 0.0;
  double outputs = 0.0;                 ///< logits of all micro-batches, first step
  double gradients = 0.0;               ///< of the first step, synchronised
  double weights = 0.0;                 ///< after the last step
  std::int64_t gradients_compared = 0;  ///< tensors on this rank
  std::string worst_gradient;           ///< on this rank: "layer.qkv.weight of layer 3"
  double unsharded_loss = 0.0;
  /// Tokens that were sent to the experts of the unsharded run although the sharded run's router chose
  /// others, because the logits of two experts were nearly equal. Summed over layers and steps.
  std::int64_t tokens_rerouted = 0;
};

/// The same model and batch on one device: no parallelism, no recomputation, one plain loss.
JobSpec unsharded(JobSpec job);

/// The largest relative error allowed for the loss and the outputs. fp32: 1e-5, because sums have another
/// order. bf16: every layer rounds the activations about eight times, by at most 2⁻⁸ each; the errors add up
/// like a random walk: √(8·(layers + 1))/256. Example: 2 layers give √24/256 = 0.019.
/// Products in 8 bits: two runs whose numbers differ by such roundings round some of them to different codes. At most all
/// are rounded independently: e4m3's numbers are up to 2⁻³ apart, and two roundings differ by √(2/12) of that; four inputs
/// of products in each layer add √(4·layers)·0.41·2⁻³ to the walk, at right angles. Example: 2 layers give 0.15.
double outputs_bound(const JobSpec& job);
/// The same for gradients. In bf16 they depend on roundings in forward and in backward, and the two runs
/// round differently, because partial sums of tensor-parallel ranks are rounded before they are added: four
/// such random walks, thus twice the bound. Gradients in e5m2, 2⁻² apart, add a walk of their own.
double gradients_bound(const JobSpec& job);

/// Runs `steps` steps of the job over the communicator's ranks, and of the unsharded job on every rank, and
/// compares them. The sharded run sends tokens to the experts that the unsharded run has chosen. All ranks
/// get the same figures, except those that are stated for "this rank".
/// @pre the preconditions of RankPlan
ShardingErrors compare_with_unsharded(const JobSpec& job, Device& device, Communicator& communicator,
                                      int steps);

}  // namespace foreshard
