#pragma once

#include <string>
#include <vector>

#include "planner/spec/job/validate_job.hpp"

/// The rules of find_illegalities that concern experts, long contexts, latent attention, precisions, the loss, the
/// optimizer and low-rank adapters.
namespace foreshard::detail {

/// Experts, and how expert and tensor parallelism cut them.
void check_experts(const JobSpec& job, std::vector<Illegality>& findings);
/// Passes that are issued in turns, as Megatron-LM checks it (overlap_moe_expert_parallel_comm), and what needs turns or a
/// dispatcher's kernels.
void check_turns(const JobSpec& job, std::vector<Illegality>& findings);
/// Context parallelism in its three styles.
void check_context_parallel(const JobSpec& job, std::vector<Illegality>& findings);
/// Latent attention, norms of queries and keys, sinks.
void check_attention(const JobSpec& job, std::vector<Illegality>& findings);
/// Mixers beyond softmax and latent attention, and what kinds of layers may have.
void check_mixers(const JobSpec& job, std::vector<Illegality>& findings);
/// How the loss is computed.
void check_loss(const JobSpec& job, std::vector<Illegality>& findings);
/// What the optimizer keeps, and when it runs.
void check_optimizer(const JobSpec& job, std::vector<Illegality>& findings);
/// What lies in the host's memory.
void check_offload(const JobSpec& job, std::vector<Illegality>& findings);
/// Recomputed modules and layers: the model has them, the pipeline has these stages.
void check_recompute(const JobSpec& job, std::vector<Illegality>& findings);
/// The precision of products, and what goes with it.
void check_precision(const JobSpec& job, std::vector<Illegality>& findings);
/// Why the heads of a linear mixer do not split over tp; empty if they do, or if the mixer is another.
std::string linear_objection(const Mixer& mixer, std::int64_t tp);
/// Why a layer with this mixer cannot be cut over tp at all; empty if it can.
std::string whole_objection(const ModelSpec& model, const Mixer& mixer);
/// Low-rank adapters.
void check_lora(const JobSpec& job, std::vector<Illegality>& findings);

}  // namespace foreshard::detail
