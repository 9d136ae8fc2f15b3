#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054), on the forward and backward blocks of one weight group.
///   stage 1  cuts the optimizer state over dp; these blocks stay as they are
///   stage 2  also cuts gradients: each backward block ends with a reduce-scatter into this rank's share
///   stage 3  also cuts weights: each block starts with an all-gather of the weights that it reads; where the
///            job keeps gathered weights, only the forward block does, and they live until backward
/// With hybrid sharding (parallelism.dp_shard) each scatter writes a shard of its own, and an all-reduce over the
/// ranks that hold copies of it adds the sum to the gradient (PyTorch FSDP2's foreach_reduce).
void apply_zero(ProgramBuilder& builder, const WeightGroup& group, Block& forward, Block& backward);

/// Elements of a rank's weights as ZeRO-3 gathers them: all of a stage, and those of its largest block.
struct GatheredElements {
  std::int64_t all = 0;
  std::int64_t largest = 0;
};
/// Adds the buffers that DeepSpeed keeps for the whole step: of gradients that wait to be reduced, and of gathered
/// weights that stay for another use.
void add_held_buffers(ProgramBuilder& builder, const GatheredElements& gathered);

/// The dimension that ZeRO cuts: the first; for experts' weights (experts, rows, columns) the rows, because
/// expert parallelism cuts the first.
Dim& zero_dim(Tensor& weight);

/// Cuts the weights and gradients of `group` over dp as the job's ZeRO stage says. Call it once, after all
/// weights have been added to the group.
void cut_weights(ProgramBuilder& builder, const WeightGroup& group);

/// True if the optimizer keeps fp32 master weights in addition to the group's weights.
bool keeps_masters(const ProgramBuilder& builder, const WeightGroup& group);

/// Number of ranks that hold the same weights of this group.
std::int64_t replicas_of(const JobSpec& job, const WeightGroup& group);

/// Elements of the group's weights that one rank's optimizer updates: its share of each weight, summed over
/// the weights. Where a weight does not divide evenly, the largest share counts.
std::int64_t share_elements(const ProgramBuilder& builder, const WeightGroup& group);
/// The same of some of the group's weights.
std::int64_t share_elements(const ProgramBuilder& builder, const WeightGroup& group,
                            const std::vector<TensorId>& weights);

/// Number of ranks over which a group's optimizer state is cut: from stage 1 on its replicas, or as many of them
/// as share shards (parallelism.dp_shard); else 1.
std::int32_t zero_degree(const JobSpec& job, const WeightGroup& group);
/// The ranks over which a group's shards are gathered and scattered.
GroupKind shard_group(const JobSpec& job, const WeightGroup& group);

}  // namespace foreshard
