#include "planner/program/passes/zero.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace foreshard {

namespace {

/// Those of `candidates` (weights or their gradients) that the block reads or writes, in order of first use.
std::vector<TensorId> touched(const Block& block, const std::set<TensorId>& candidates) {
  std::vector<TensorId> found;
  for (const Op& op : block.ops) {
    for (const Operand& operand : op.operands) {
      if (candidates.contains(operand.tensor) &&
          std::find(found.begin(), found.end(), operand.tensor) == found.end()) {
        found.push_back(operand.tensor);
      }
    }
  }
  return found;
}

Op dp_exchange(const ProgramBuilder& builder, const WeightGroup& group, CollectiveKind kind,
               std::vector<Operand> operands, Bytes payload) {
  Op op = compute_op(
      kind == CollectiveKind::all_gather ? "gather weights" : "scatter gradients", Component::gradient_sync,
      Phase::forward,
      Collective{.kind = kind, .group = group.replicas, .reduction = Reduction::sum, .payload = payload},
      std::move(operands));
  op.lane = lane_of(group.replicas);
  if (!builder.job().training.overlap.dp) op.after_compute = op.blocks_compute = true;
  return op;
}

/// One kernel that copies all of `tensors` out of a collective's flat buffer, or into it.
Op relayout(const ProgramBuilder& builder, std::string name, Phase phase,
            const std::map<TensorId, TensorId>& tensors) {
  std::vector<Operand> operands;
  std::int64_t elements = 0;
  for (const auto& [id, whole] : tensors) {
    operands.push_back(adds_to(whole));
    elements += builder.tensor(whole).local_elements();
  }
  return compute_op(std::move(name), Component::gradient_sync, phase,
                    Pointwise{PointwiseKind::relayout, elements}, std::move(operands));
}

void replace(Block& block, const std::map<TensorId, TensorId>& substitute, bool write_first) {
  std::set<TensorId> written;
  for (Op& op : block.ops) {
    for (Operand& operand : op.operands) {
      const auto found = substitute.find(operand.tensor);
      if (found == substitute.end()) continue;
      operand.tensor = found->second;
      if (write_first && operand.access == Access::accumulate && written.insert(found->second).second) {
        operand.access = Access::write;
      }
    }
  }
}

/// Puts an all-gather over dp at the start of the block and makes the block read the gathered weights.
void gather_weights(ProgramBuilder& builder, const WeightGroup& group, Block& block, Phase phase) {
  std::set<TensorId> candidates(group.weights.begin(), group.weights.end());
  candidates.insert(group.frozen.begin(), group.frozen.end());
  const std::vector<TensorId> weights = touched(block, candidates);
  if (weights.empty()) return;
  std::map<TensorId, TensorId> whole;
  std::vector<Operand> operands;
  Bytes payload;
  for (const TensorId id : weights) operands.push_back(reads(id));
  for (const TensorId id : weights) {
    Tensor gathered = builder.derived(id, Derivation::gathered_shares);
    gathered.lifetime = Lifetime::layer;
    gathered.dtype = builder.shapes().weight;
    zero_dim(gathered).dp = 1;
    payload += gathered.local_bytes();
    whole[id] = builder.add(std::move(gathered));
    operands.push_back(writes(whole[id]));
  }
  Op gather = dp_exchange(builder, group, CollectiveKind::all_gather, std::move(operands), payload);
  gather.phase = phase;
  if (builder.job().training.overlap.dp) {
    gather.prefetch_blocks = static_cast<std::int8_t>(builder.conventions().prefetch_layers);
  }
  replace(block, whole, false);
  block.ops.insert(block.ops.begin(), std::move(gather));
  if (builder.conventions().flat_buffers) {
    const auto behind_gathers = std::find_if_not(block.ops.begin(), block.ops.end(), is_communication);
    block.ops.insert(behind_gathers, relayout(builder, "copy weights out", phase, whole));
  }
}

/// Makes the block write whole gradients into buffers of its own, and appends the reduce-scatter that adds
/// their sum to the ranks' shares.
void scatter_gradients(ProgramBuilder& builder, const WeightGroup& group, Block& backward) {
  std::set<TensorId> candidates;
  for (const TensorId id : group.weights) candidates.insert(builder.gradient_of(id));
  const std::vector<TensorId> gradients = touched(backward, candidates);
  if (gradients.empty()) return;
  std::map<TensorId, TensorId> whole;
  std::vector<Operand> operands;
  Bytes payload;
  for (const TensorId id : gradients) {
    Tensor full = builder.derived(id, Derivation::whole_gradient);
    full.lifetime = Lifetime::block;
    zero_dim(full).dp = 1;
    payload += full.local_bytes();
    whole[id] = builder.add(std::move(full));
    operands.push_back(reads(whole[id]));
  }
  for (const TensorId id : gradients) operands.push_back(adds_to(id));
  replace(backward, whole, true);
  if (builder.conventions().flat_buffers)
    backward.ops.push_back(relayout(builder, "copy gradients in", Phase::backward_weight, whole));
  Op scatter = dp_exchange(builder, group, CollectiveKind::reduce_scatter, std::move(operands), payload);
  scatter.phase = Phase::backward_weight;
  backward.ops.push_back(std::move(scatter));
}

}  // namespace

Dim& zero_dim(Tensor& weight) { return weight.dims[weight.dims.size() == 3 ? 1 : 0]; }

bool keeps_masters(const ProgramBuilder& builder, const WeightGroup& group) {
  const bool weights_are_fp32 = builder.shapes().weight == DType::fp32;
  const bool is_cut = builder.job().parallelism.zero == 3 && zero_degree(builder.job(), group) > 1;
  const bool cut_in_fp32 = is_cut && !builder.conventions().fp32_master_weights;
  return !weights_are_fp32 && !cut_in_fp32;
}

std::int64_t replicas_of(const JobSpec& job, const WeightGroup& group) {
  const ParallelismSpec& p = job.parallelism;
  return group.replicas == GroupKind::expert_dp ? p.expert_replicas() : p.dp * p.cp;
}

std::int32_t zero_degree(const JobSpec& job, const WeightGroup& group) {
  return job.parallelism.zero >= 1 ? static_cast<std::int32_t>(replicas_of(job, group)) : 1;
}

std::int64_t share_elements(const ProgramBuilder& builder, const WeightGroup& group) {
  const std::int64_t degree = zero_degree(builder.job(), group);
  std::int64_t elements = 0;
  for (const TensorId id : group.weights) {
    Tensor whole = builder.tensor(id);
    zero_dim(whole).dp = 1;
    elements += ceil_divide(whole.local_elements(), degree);
  }
  return elements;
}

void cut_weights(ProgramBuilder& builder, const WeightGroup& group) {
  const int stage = builder.job().parallelism.zero;
  const std::int32_t degree = zero_degree(builder.job(), group);
  for (const TensorId id : group.weights) {
    builder.tensor(id).update_parts = builder.tensor(builder.gradient_of(id)).update_parts = degree;
    if (stage >= 2) zero_dim(builder.tensor(builder.gradient_of(id))).dp = degree;
    if (stage < 3 || degree == 1) continue;
    zero_dim(builder.tensor(id)).dp = degree;
    // Without separate masters, each rank keeps its share of the weight itself in fp32; the gather casts it.
    if (!keeps_masters(builder, group)) builder.tensor(id).dtype = DType::fp32;
  }
  for (const TensorId id : group.frozen) {
    if (stage >= 3) zero_dim(builder.tensor(id)).dp = degree;
  }
}

void apply_zero(ProgramBuilder& builder, const WeightGroup& group, Block& forward, Block& backward) {
  const int stage = builder.job().parallelism.zero;
  if (zero_degree(builder.job(), group) == 1) return;
  if (stage >= 3) {
    gather_weights(builder, group, forward, Phase::forward);
    gather_weights(builder, group, backward, Phase::backward_input);
  }
  if (stage >= 2) scatter_gradients(builder, group, backward);
}

}  // namespace foreshard
