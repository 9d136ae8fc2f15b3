#include "planner/program/passes/zero.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
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

/// DeepSpeed leaves weights of at most so many elements whole (stage3_param_persistence_threshold).
constexpr std::int64_t kKeptWhole = 100'000;

/// Collectives for these weights or gradients of a group: one, or, if experts are modules that run one after another,
/// one for each matrix of each expert. With lists of shards one for each tensor; gathers leave out small weights.
std::int32_t calls_of(const ProgramBuilder& builder, const WeightGroup& group, CollectiveKind kind,
                      const std::vector<TensorId>& tensors) {
  const JobSpec& job = builder.job();
  if (builder.conventions().shard_lists) {
    const auto is_cut = [&](TensorId id) {
      Tensor whole = builder.tensor(id);
      zero_dim(whole).dp = 1;
      return kind == CollectiveKind::reduce_scatter || whole.local_elements() > kKeptWhole;
    };
    const auto cut = std::count_if(tensors.begin(), tensors.end(), is_cut);
    return static_cast<std::int32_t>(std::max<std::ptrdiff_t>(cut, 1));
  }
  if (group.replicas != GroupKind::expert_dp || job.training.dispatcher != Dispatcher::loop) return 1;
  const std::int64_t matrices = is_gated(job.model.ffn) ? 3 : 2;
  return static_cast<std::int32_t>(checked_product(job.model.experts->count, matrices));
}

std::string exchange_name(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::all_gather: return "gather weights";
    case CollectiveKind::all_reduce: return "reduce shards";
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::all_to_all: break;
  }
  return "scatter gradients";
}

Op dp_exchange(const ProgramBuilder& builder, GroupKind group, CollectiveKind kind,
               std::vector<Operand> operands, Bytes payload) {
  const bool lists = builder.conventions().shard_lists && kind != CollectiveKind::all_reduce;
  Op op = compute_op(exchange_name(kind), Component::gradient_sync, Phase::forward,
                     Collective{.kind = kind,
                                .group = group,
                                .reduction = Reduction::sum,
                                .payload = payload,
                                .lists_shards = lists},
                     std::move(operands));
  op.lane = lane_of(group);
  // Some frameworks gather and scatter everything on one stream.
  if (builder.conventions().one_shard_stream && op.lane == Lane::expert_dp) op.lane = Lane::dp;
  if (!builder.job().training.overlap.dp || lists) op.after_compute = op.blocks_compute = true;
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
        auto* pointwise = std::get_if<Pointwise>(&op.kind);
        if (pointwise != nullptr && pointwise->kind == PointwiseKind::accumulate)
          pointwise->kind = PointwiseKind::cast;
      }
    }
  }
}

/// DeepSpeed keeps a gathered weight if fewer elements than these are used before it is needed again
/// (stage3_max_reuse_distance, deepspeed/runtime/zero/config.py).
constexpr std::int64_t kReuseDistance = 1'000'000'000;

/// Modules of large layers that are computed again release their weights at their end and gather them once more for
/// their gradients: puts a second gather behind what the block recomputes.
void gather_after_recomputation(const Op& gather, Block& block) {
  const auto first_gradient =
      std::find_if(block.ops.begin(), block.ops.end(), [](const Op& op) { return is_backward(op.phase); });
  const bool recomputes = std::any_of(block.ops.begin(), first_gradient, [](const Op& op) {
    return op.phase == Phase::recompute && is_product(op);
  });
  if (recomputes) block.ops.insert(first_gradient, gather);
}

/// Block calls by which the gather of these whole weights is issued early.
std::int8_t blocks_ahead(const ProgramBuilder& builder, std::int64_t elements) {
  const BucketSpec& buckets = builder.job().training.buckets;
  std::int64_t ahead = builder.conventions().prefetch_layers;
  // A bucket that holds a part of a block starts on the next one.
  if (buckets.prefetch)
    ahead = *buckets.prefetch == 0 ? 0 : std::max<std::int64_t>(*buckets.prefetch / elements, 1);
  if (buckets.live) ahead = std::min(ahead, std::max<std::int64_t>(*buckets.live / elements - 1, 0));
  return static_cast<std::int8_t>(std::min<std::int64_t>(ahead, 100));
}

/// A copy of a weight that travels in 8 bits, or of a gradient in 4.
TensorId narrow_copy(ProgramBuilder& builder, TensorId of, Derivation derivation, DType type,
                     std::int32_t parts, Lifetime lifetime) {
  Tensor copy = builder.derived(of, derivation);
  copy.role = TensorRole::buffer;
  copy.dtype = type;
  copy.lifetime = lifetime;
  zero_dim(copy).dp = parts;
  return builder.add(std::move(copy));
}

/// What a rank sends in the gather of a weight: its share of all ranks', or of those of its node (ZeRO++).
TensorId sent_weight(ProgramBuilder& builder, TensorId weight, Phase phase) {
  const auto& hpz = builder.job().parallelism.zero_hpz;
  if (!hpz || phase == Phase::forward) return weight;
  Tensor secondary = builder.derived(weight, Derivation::secondary_share);
  if (bits_of(secondary.dtype) >= bits_of(builder.shapes().weight)) secondary.dtype = builder.shapes().weight;
  zero_dim(secondary).dp = static_cast<std::int32_t>(*hpz * builder.job().parallelism.cp);
  return builder.add(std::move(secondary));
}

/// The ranks that gather a weight: with a second copy, backward asks those of a node.
GroupKind gather_group(const ProgramBuilder& builder, const WeightGroup& group, Phase phase) {
  const ParallelismSpec& p = builder.job().parallelism;
  if (p.zero_hpz && phase != Phase::forward && p.shard_parts() > 1) return GroupKind::dp_shard;
  return shard_group(builder.job(), group);
}

/// Lets a gather exchange 8 bits (ZeRO++'s qwZ): a pass before it quantises the shares, and a pass behind it makes 16
/// bits of what arrives. Where the gather runs ahead, DeepSpeed quantises ahead too; here that short pass, over one
/// rank's share, is counted in the block that needs the weights.
void gather_quantised(ProgramBuilder& builder, const WeightGroup& group, Block& block, Op gather,
                      Phase phase) {
  std::vector<Op> before;
  std::vector<Op> behind;
  std::vector<Operand> operands;
  Bytes payload;
  const std::size_t weights = gather.operands.size() / 2;
  for (std::size_t i = 0; i < weights; ++i) {
    const TensorId share = gather.operands[i].tensor;
    const TensorId whole = gather.operands[weights + i].tensor;
    const std::int32_t parts = zero_dim(builder.tensor(share)).dp;
    const std::int32_t degree = parts > 1 ? parts : zero_degree(builder.job(), group);
    const TensorId sent =
        narrow_copy(builder, share, Derivation::sent_share, DType::uint8, degree, Lifetime::layer);
    const TensorId arrived =
        narrow_copy(builder, whole, Derivation::arrived_shares, DType::uint8, 1, Lifetime::layer);
    builder.tensor(whole).lifetime = Lifetime::block;
    Op quantise = compute_op("quantise shares", Component::gradient_sync, phase,
                             Pointwise{PointwiseKind::quantise, builder.tensor(sent).local_elements()},
                             {reads(share), writes(sent)});
    before.push_back(std::move(quantise));
    operands.push_back(reads(sent));
    operands.push_back(writes(arrived));
    payload += builder.tensor(arrived).local_bytes();
    behind.push_back(compute_op("dequantise weights", Component::gradient_sync, phase,
                                Pointwise{PointwiseKind::cast, builder.tensor(whole).local_elements()},
                                {reads(arrived), writes(whole)}));
  }
  gather.operands = std::move(operands);
  std::get<Collective>(gather.kind).payload = payload;
  before.push_back(std::move(gather));
  const auto first_kernel = std::find_if(block.ops.begin(), block.ops.end(), is_kernel);
  block.ops.insert(first_kernel, behind.begin(), behind.end());
  block.ops.insert(block.ops.begin(), before.begin(), before.end());
}

/// Puts an all-gather over dp at the start of the block and makes the block read the gathered weights. Returns
/// these by the weight.
std::map<TensorId, TensorId> gather_weights(ProgramBuilder& builder, const WeightGroup& group, Block& block,
                                            Phase phase) {
  std::set<TensorId> candidates(group.weights.begin(), group.weights.end());
  candidates.insert(group.frozen.begin(), group.frozen.end());
  const std::vector<TensorId> weights = touched(block, candidates);
  std::map<TensorId, TensorId> whole;
  if (weights.empty()) return whole;
  std::vector<Operand> operands;
  Bytes payload;
  std::int64_t elements = 0;
  for (const TensorId id : weights) operands.push_back(reads(sent_weight(builder, id, phase)));
  for (const TensorId id : weights) {
    Tensor gathered = builder.derived(id, Derivation::gathered_shares);
    gathered.lifetime = Lifetime::layer;
    // Sharded masters are cast on the way; a quantised frozen weight travels as it is.
    if (bits_of(gathered.dtype) >= bits_of(builder.shapes().weight)) gathered.dtype = builder.shapes().weight;
    zero_dim(gathered).dp = 1;
    payload += gathered.local_bytes();
    elements += gathered.local_elements();
    whole[id] = builder.add(std::move(gathered));
    operands.push_back(writes(whole[id]));
  }
  Op gather = dp_exchange(builder, gather_group(builder, group, phase), CollectiveKind::all_gather,
                          std::move(operands), payload);
  gather.phase = phase;
  gather.calls = calls_of(builder, group, CollectiveKind::all_gather, weights);
  // Which expert runs next is known only when the router has chosen: nothing is gathered ahead.
  if (gather.calls > 1) gather.after_compute = gather.blocks_compute = true;
  if (!gather.after_compute) gather.prefetch_blocks = blocks_ahead(builder, elements);
  replace(block, whole, false);
  // A weight's next use is about a forward and a backward pass of the layer away.
  if (builder.conventions().shard_lists && 2 * elements >= kReuseDistance)
    gather_after_recomputation(gather, block);
  if (builder.conventions().flat_buffers) {
    const auto behind_gathers = std::find_if(block.ops.begin(), block.ops.end(), is_kernel);
    block.ops.insert(behind_gathers, relayout(builder, "copy weights out", phase, whole));
  }
  if (builder.job().parallelism.zero_quantized_weights) {
    gather_quantised(builder, group, block, std::move(gather), phase);
    return whole;
  }
  block.ops.insert(block.ops.begin(), std::move(gather));
  return whole;
}

/// A buffer for a shard that one call of the block has scattered, before ranks with copies of it add theirs.
TensorId fresh_shard(ProgramBuilder& builder, const WeightGroup& group, TensorId gradient) {
  Tensor shard = builder.derived(gradient, Derivation::scattered_share);
  shard.lifetime = Lifetime::block;
  shard.update_parts = zero_degree(builder.job(), group);
  zero_dim(shard).dp = zero_degree(builder.job(), group);
  return builder.add(std::move(shard));
}

/// Appends ZeRO++'s exchange of gradients (qgZ): whole ones in 4 bits are scattered over the ranks of a node, the parts
/// of a node over the nodes, and a rank's share is added to its gradient. The exchange is an all-to-all in DeepSpeed
/// (runtime/comm/coalesced_collectives.py, `all_to_all_quant_reduce`), which sends each rank as much as a scatter does.
void scatter_quantised(ProgramBuilder& builder, const WeightGroup& group, Block& backward,
                       const std::map<TensorId, TensorId>& whole) {
  const JobSpec& job = builder.job();
  const std::int32_t all = zero_degree(job, group);
  const auto nodes = static_cast<std::int32_t>(job.parallelism.shard_parts());
  std::vector<Operand> in_node;
  std::vector<Operand> between;
  std::vector<Op> sums;
  Bytes payload;
  Bytes parts;
  for (const auto& gathered : whole) {
    const TensorId gradient = gathered.first;
    const TensorId full = gathered.second;
    const auto narrow = [&](Derivation derivation, std::int32_t cut) {
      return narrow_copy(builder, full, derivation, DType::nf4, cut, Lifetime::block);
    };
    const TensorId sent = narrow(Derivation::sent_share, 1);
    const TensorId part = narrow(Derivation::arrived_shares, all / nodes);
    const TensorId own = nodes > 1 ? narrow(Derivation::arrived_part, all) : part;
    backward.ops.push_back(
        compute_op("quantise gradients", Component::gradient_sync, Phase::backward_weight,
                   Pointwise{PointwiseKind::quantise, builder.tensor(sent).local_elements()},
                   {reads(full), writes(sent)}));
    in_node.insert(in_node.end(), {reads(sent), writes(part)});
    between.insert(between.end(), {reads(part), writes(own)});
    payload += builder.tensor(sent).local_bytes();
    parts += builder.tensor(part).local_bytes();
    sums.push_back(compute_op("add gradients", Component::gradient_sync, Phase::backward_weight,
                              Pointwise{PointwiseKind::accumulate, builder.tensor(own).local_elements()},
                              {reads(own), adds_to(gradient)}));
  }
  const auto exchange = [&](GroupKind ranks, std::vector<Operand> operands, Bytes bytes) {
    Op op = dp_exchange(builder, ranks, CollectiveKind::reduce_scatter, std::move(operands), bytes);
    op.phase = Phase::backward_weight;
    backward.ops.push_back(std::move(op));
  };
  exchange(nodes > 1 ? GroupKind::dp_shard : shard_group(job, group), std::move(in_node), payload);
  if (nodes > 1) exchange(GroupKind::dp_replicate, std::move(between), parts);
  backward.ops.insert(backward.ops.end(), sums.begin(), sums.end());
}

/// Makes the block write whole gradients into buffers of its own, and appends the reduce-scatter that adds
/// their sum to the ranks' shares. Where other ranks hold copies of a shard, the scatter writes a shard of this
/// call, and an all-reduce over those ranks adds it to the rank's share.
void scatter_gradients(ProgramBuilder& builder, const WeightGroup& group, Block& backward) {
  std::set<TensorId> candidates;
  for (const TensorId id : group.weights) candidates.insert(builder.gradient_of(id));
  const std::vector<TensorId> gradients = touched(backward, candidates);
  if (gradients.empty()) return;
  const bool has_copies = builder.job().parallelism.shard_copies() > 1;
  std::map<TensorId, TensorId> whole;
  std::vector<Operand> scattered;
  std::vector<Operand> reduced;
  Bytes payload;
  Bytes shards;
  for (const TensorId id : gradients) {
    Tensor full = builder.derived(id, Derivation::whole_gradient);
    full.lifetime = Lifetime::block;
    zero_dim(full).dp = 1;
    payload += full.local_bytes();
    whole[id] = builder.add(std::move(full));
    scattered.push_back(reads(whole[id]));
  }
  for (const TensorId id : gradients) {
    if (!has_copies) {
      scattered.push_back(adds_to(id));
      continue;
    }
    const TensorId shard = fresh_shard(builder, group, id);
    shards += builder.tensor(shard).local_bytes();
    scattered.push_back(writes(shard));
    reduced.push_back(reads(shard));
  }
  replace(backward, whole, true);
  if (builder.conventions().flat_buffers)
    backward.ops.push_back(relayout(builder, "copy gradients in", Phase::backward_weight, whole));
  if (builder.job().parallelism.zero_quantized_gradients)
    return scatter_quantised(builder, group, backward, whole);
  Op scatter = dp_exchange(builder, shard_group(builder.job(), group), CollectiveKind::reduce_scatter,
                           std::move(scattered), payload);
  scatter.phase = Phase::backward_weight;
  scatter.calls = calls_of(builder, group, CollectiveKind::reduce_scatter, gradients);
  backward.ops.push_back(std::move(scatter));
  if (!has_copies) return;
  for (const TensorId id : gradients) reduced.push_back(adds_to(id));
  Op sum =
      dp_exchange(builder, GroupKind::dp_replicate, CollectiveKind::all_reduce, std::move(reduced), shards);
  sum.phase = Phase::backward_weight;
  backward.ops.push_back(std::move(sum));
}

}  // namespace

Dim& zero_dim(Tensor& weight) { return weight.dims[weight.dims.size() == 3 ? 1 : 0]; }

bool keeps_masters(const ProgramBuilder& builder, const WeightGroup& group) {
  const bool weights_are_fp32 = builder.shapes().weight == DType::fp32;
  const bool is_cut = builder.job().parallelism.zero == 3 && zero_degree(builder.job(), group) > 1;
  const MasterWeights master = builder.job().training.states.master;
  const bool cut_in_fp32 =
      is_cut && master == MasterWeights::fp32 && !builder.conventions().fp32_master_weights;
  return has_fp32_weights(master) && !weights_are_fp32 && !cut_in_fp32;
}

std::int64_t replicas_of(const JobSpec& job, const WeightGroup& group) {
  const ParallelismSpec& p = job.parallelism;
  return group.replicas == GroupKind::expert_dp ? p.expert_replicas() : p.dp * p.cp;
}

std::int32_t zero_degree(const JobSpec& job, const WeightGroup& group) {
  if (job.parallelism.zero == 0) return 1;
  return static_cast<std::int32_t>(replicas_of(job, group) / job.parallelism.shard_copies());
}

GroupKind shard_group(const JobSpec& job, const WeightGroup& group) {
  if (job.parallelism.shard_copies() == 1) return group.replicas;
  return group.replicas == GroupKind::expert_dp ? GroupKind::expert_shard : GroupKind::dp_shard;
}

std::int64_t share_elements(const ProgramBuilder& builder, const WeightGroup& group) {
  return share_elements(builder, group, group.weights);
}

std::int64_t share_elements(const ProgramBuilder& builder, const WeightGroup& group,
                            const std::vector<TensorId>& weights) {
  const std::int64_t degree = zero_degree(builder.job(), group);
  std::int64_t elements = 0;
  for (const TensorId id : weights) {
    Tensor whole = builder.tensor(id);
    zero_dim(whole).dp = 1;
    elements += ceil_divide(whole.local_elements(), degree);
  }
  return elements;
}

namespace {

/// Leaves a rank its share of a weight and of the copies that it keeps of it.
void cut_with_copies(ProgramBuilder& builder, TensorId weight, std::int32_t degree) {
  zero_dim(builder.tensor(weight)).dp = degree;
  for (const Derivation copy : {Derivation::quantised, Derivation::quantised_across, Derivation::fetched}) {
    if (const auto known = builder.known(copy, weight)) zero_dim(builder.tensor(*known)).dp = degree;
  }
}

}  // namespace

void cut_weights(ProgramBuilder& builder, const WeightGroup& group) {
  const int stage = builder.job().parallelism.zero;
  const std::int32_t degree = zero_degree(builder.job(), group);
  for (const TensorId id : group.weights) {
    builder.tensor(id).update_parts = builder.tensor(builder.gradient_of(id)).update_parts = degree;
    if (stage >= 2) {
      const TensorId gradient = builder.gradient_of(id);
      zero_dim(builder.tensor(gradient)).dp = degree;
      for (const Derivation copy : {Derivation::on_host, Derivation::arrived_on_host}) {
        if (const auto known = builder.known(copy, gradient)) zero_dim(builder.tensor(*known)).dp = degree;
      }
    }
    if (stage < 3 || degree == 1) continue;
    cut_with_copies(builder, id, degree);
    // Without separate masters, each rank keeps its share of the weight itself in fp32; the gather casts it.
    const bool has_fp32 = has_fp32_weights(builder.job().training.states.master);
    if (!has_fp32 || keeps_masters(builder, group)) continue;
    builder.tensor(id).dtype = DType::fp32;
    if (const auto fetched = builder.known(Derivation::fetched, id))
      builder.tensor(*fetched).dtype = DType::fp32;
  }
  for (const TensorId id : group.frozen) {
    if (stage >= 3) cut_with_copies(builder, id, degree);
  }
}

void apply_zero(ProgramBuilder& builder, const WeightGroup& group, Block& forward, Block& backward) {
  const int stage = builder.job().parallelism.zero;
  if (zero_degree(builder.job(), group) == 1) return;
  if (stage >= 3) {
    const std::map<TensorId, TensorId> whole = gather_weights(builder, group, forward, Phase::forward);
    if (builder.job().training.reshard_after_forward) {
      gather_weights(builder, group, backward, Phase::backward_input);
    } else {
      for (const auto& [weight, gathered] : whole) builder.tensor(gathered).lifetime = Lifetime::micro_batch;
      replace(backward, whole, false);
    }
  }
  if (stage >= 2) scatter_gradients(builder, group, backward);
}

namespace {

void hold(ProgramBuilder& builder, const char* name, DType type, std::int64_t elements) {
  if (elements <= 0) return;
  Tensor buffer;
  buffer.label = name;
  buffer.role = TensorRole::buffer;
  buffer.dtype = type;
  buffer.lifetime = Lifetime::step;
  buffer.per_layer = false;
  buffer.held = true;
  buffer.dims = {{.name = DimName::flat, .size = elements}};
  builder.add(std::move(buffer));
}

}  // namespace

void add_held_buffers(ProgramBuilder& builder, const GatheredElements& gathered) {
  const JobSpec& job = builder.job();
  const FrameworkConventions& usual = builder.conventions();
  const ParallelismSpec& p = job.parallelism;
  if (p.zero == 0 || checked_product(p.dp, p.cp) == 1) return;
  if (usual.holds_buckets) {
    const DType type = job.training.gradient_dtype;
    const std::int64_t buffers = p.zero < 3 && job.training.overlap.dp ? 2 : 1;
    hold(builder, "gradient buckets", type,
         checked_product(buffers, job.bucket().value() / bytes_of(type, 1).value()));
  }
  if (p.zero < 3 || !job.training.reshard_after_forward) return;
  const std::int64_t live = std::min(job.training.buckets.live.value_or(usual.live_parameters), gathered.all);
  // The running block's weights and those gathered ahead are counted where they are used.
  const std::int64_t ahead =
      job.training.overlap.dp && gathered.largest > 0 ? blocks_ahead(builder, gathered.largest) : 0;
  hold(builder, "live weights", builder.shapes().weight, live - checked_product(ahead + 1, gathered.largest));
}

}  // namespace foreshard
