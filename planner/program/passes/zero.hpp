#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054), on the forward and backward blocks of one weight group.
///   stage 1  optimizer state cut over dp (the optimizer's tensors; blocks stay as they are)
///   stage 2  and gradients: each backward scatters what it made into this rank's share
///   stage 3  and weights: each block gathers the weights it needs first
void apply_zero(ProgramBuilder& builder, const WeightGroup& group, Block& forward, Block& backward);

/// The dimension that ZeRO cuts: the first; of experts' weights, which expert parallelism cuts there, their
/// rows.
Dim& zero_dim(Tensor& weight);

/// Cuts the weights and gradients of `group` over dp as the job's ZeRO stage says; once, when all are known.
void cut_weights(ProgramBuilder& builder, const WeightGroup& group);

/// True where fp32 master weights stand beside the group's weights.
bool keeps_masters(const ProgramBuilder& builder, const WeightGroup& group);

/// The ranks that hold the same weights of this group.
std::int64_t replicas_of(const JobSpec& job, const WeightGroup& group);

/// Elements of the group's weights that one rank's optimizer works on: of every weight a share of its own,
/// the largest where they do not divide.
std::int64_t share_elements(const ProgramBuilder& builder, const WeightGroup& group);

/// Ranks over which a group's optimizer state is cut: its replicas from stage 1 on, else 1.
std::int32_t zero_degree(const JobSpec& job, const WeightGroup& group);

}  // namespace foreshard
