#include "planner/program/passes/offload.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace foreshard {

namespace {

/// An instance that a block touches: a tensor and a layer shift.
using OffloadInstance = std::pair<TensorId, std::int16_t>;

/// The largest tensors of a list that `share` of the bytes of all hold; one too large for what is left is passed over.
/// Beginning with the largest comes closest to the share.
template <class Item, class SizeOf>
std::vector<Item> largest_within(std::vector<Item> items, double share, SizeOf size_of) {
  std::stable_sort(items.begin(), items.end(),
                   [&](const Item& a, const Item& b) { return size_of(a) > size_of(b); });
  double all = 0.0;
  for (const Item& item : items) all += size_of(item);
  std::vector<Item> chosen;
  double sum = 0.0;
  for (const Item& item : items) {
    if (sum + size_of(item) > share * all * (1.0 + 1e-12)) continue;
    sum += size_of(item);
    chosen.push_back(item);
  }
  return chosen;
}

/// The activations that a forward block has and its backward block only reads, in the order of their first use.
std::vector<OffloadInstance> saved_activations(const ProgramBuilder& builder, const Block& forward,
                                               const Block& backward) {
  std::set<OffloadInstance> read;
  std::set<OffloadInstance> changed;
  for (const Op& op : backward.ops) {
    for (const Operand& operand : op.operands) {
      const OffloadInstance instance{operand.tensor, operand.layer_shift};
      (operand.access == Access::read && op.parts == 1 ? read : changed).insert(instance);
    }
  }
  std::vector<OffloadInstance> saved;
  for (const Op& op : forward.ops) {
    for (const Operand& operand : op.operands) {
      const OffloadInstance instance{operand.tensor, operand.layer_shift};
      const Tensor& tensor = builder.tensor(operand.tensor);
      const bool is_saved = tensor.role == TensorRole::activation && tensor.lifetime != Lifetime::step &&
                            tensor.kept_parts == 1 && read.contains(instance) && !changed.contains(instance);
      if (is_saved && std::find(saved.begin(), saved.end(), instance) == saved.end())
        saved.push_back(instance);
    }
  }
  return saved;
}

Tensor copy_of(const ProgramBuilder& builder, TensorId id, Derivation derivation, Lifetime lifetime) {
  Tensor copy = builder.derived(id, derivation);
  copy.on_host = derivation != Derivation::fetched;
  copy.lifetime = lifetime;
  return copy;
}

/// How many block calls earlier a fetch is issued.
std::int8_t fetched_ahead(const ProgramBuilder& builder) {
  if (!builder.job().training.overlap.dp) return 0;
  return static_cast<std::int8_t>(std::max(1, builder.conventions().prefetch_layers));
}

/// Puts a copy of the weights on the host at the start of a block, which then reads what arrives.
void fetch_weights(ProgramBuilder& builder, const std::set<TensorId>& on_host, Block& block, Phase phase) {
  std::map<TensorId, TensorId> fetched;
  for (Op& op : block.ops) {
    for (Operand& operand : op.operands) {
      if (!on_host.contains(operand.tensor)) continue;
      const auto [found, is_new] = fetched.try_emplace(operand.tensor, operand.tensor);
      if (is_new)
        found->second = builder.add(copy_of(builder, operand.tensor, Derivation::fetched, Lifetime::layer));
      operand.tensor = found->second;
    }
  }
  if (fetched.empty()) return;
  std::vector<Operand> operands;
  for (const auto& [weight, copy] : fetched) operands.push_back(reads(weight));
  for (const auto& [weight, copy] : fetched) operands.push_back(writes(copy));
  Op fetch =
      host_copy("fetch weights", HostWay::to_device, Component::gradient_sync, phase, std::move(operands));
  fetch.prefetch_blocks = fetched_ahead(builder);
  block.ops.insert(block.ops.begin(), std::move(fetch));
}

/// True if hybrid sharding leaves weights, or those of experts, whole on every rank that holds a copy.
bool has_unsharded_copies(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  const std::int64_t copies = p.shard_copies();
  return copies > 1 && (p.dp * p.cp == copies || (job.model.experts && p.expert_replicas() == copies));
}

}  // namespace

Op host_copy(std::string name, HostWay way, Component component, Phase phase, std::vector<Operand> operands) {
  std::stable_partition(operands.begin(), operands.end(),
                        [](const Operand& operand) { return operand.access == Access::read; });
  Op op =
      compute_op(std::move(name), component, phase, HostCopy{.way = way, .payload = {}}, std::move(operands));
  op.lane = way == HostWay::to_host ? Lane::to_host : Lane::to_device;
  return op;
}

Op cpu_op(std::string name, Component component, OpKind kind, std::vector<Operand> operands) {
  Op op = compute_op(std::move(name), component, Phase::optimizer, std::move(kind), std::move(operands));
  op.lane = Lane::cpu;
  return op;
}

void offload_activations(ProgramBuilder& builder, Block& forward, Block& backward) {
  const double share = builder.job().training.offload.activations;
  if (share == 0.0) return;
  const auto size_of = [&](const OffloadInstance& saved) {
    return builder.tensor(saved.first).local_bytes().as_double();
  };
  const std::vector<OffloadInstance> chosen =
      largest_within(saved_activations(builder, forward, backward), share, size_of);
  if (chosen.empty()) return;
  std::map<OffloadInstance, TensorId> fetched;
  std::vector<Operand> leaving;
  std::vector<Operand> coming;
  for (const auto& [id, shift] : chosen) {
    const TensorId host = builder.add(copy_of(builder, id, Derivation::on_host, Lifetime::micro_batch));
    fetched[{id, shift}] = builder.add(copy_of(builder, id, Derivation::fetched, Lifetime::micro_batch));
    leaving.insert(leaving.end(), {reads(id, shift), writes(host, shift)});
    coming.insert(coming.end(), {reads(host, shift), writes(fetched[{id, shift}], shift)});
  }
  for (Op& op : backward.ops) {
    for (Operand& operand : op.operands) {
      const auto found = fetched.find({operand.tensor, operand.layer_shift});
      if (found != fetched.end()) operand.tensor = found->second;
    }
  }
  forward.ops.push_back(host_copy("offload activations", HostWay::to_host, Component::residual,
                                  Phase::forward, std::move(leaving)));
  Op fetch = host_copy("fetch activations", HostWay::to_device, Component::residual, Phase::backward_input,
                       std::move(coming));
  fetch.prefetch_blocks = 1;
  backward.ops.insert(backward.ops.begin(), std::move(fetch));
}

void offload_weights(ProgramBuilder& builder, const WeightGroup& group, Block& forward, Block& backward) {
  const double share = builder.job().training.offload.weights;
  if (share == 0.0) return;
  std::vector<TensorId> weights = group.weights;
  weights.insert(weights.end(), group.frozen.begin(), group.frozen.end());
  const auto size_of = [&](TensorId id) { return builder.tensor(id).local_bytes().as_double(); };
  std::set<TensorId> on_host;
  for (const TensorId id : largest_within(weights, share, size_of)) {
    builder.tensor(id).on_host = true;
    on_host.insert(id);
  }
  fetch_weights(builder, on_host, forward, Phase::forward);
  fetch_weights(builder, on_host, backward, Phase::backward_input);
}

bool gradients_go_to_host(const ProgramBuilder& builder) {
  const ParallelismSpec& p = builder.job().parallelism;
  // Gradients that tensor-parallel ranks, stages or copies of unsharded weights still sum at the end of the step stay on
  // the device until then.
  return builder.job().training.offload.optimizer == 1.0 && builder.conventions().offloads_gradients &&
         p.zero >= 2 && p.tp == 1 && p.pp == 1 && !has_unsharded_copies(builder.job());
}

bool adds_gradients_on_host(const ProgramBuilder& builder) {
  const JobSpec& job = builder.job();
  return job.micro_batches() > 1 || job.model.tied_embeddings || job.model.mtp;
}

void offload_gradients(ProgramBuilder& builder, const WeightGroup& group, Block& backward) {
  if (!gradients_go_to_host(builder)) return;
  const bool adds = adds_gradients_on_host(builder);
  std::vector<Operand> leaving;
  std::vector<Operand> sums;
  for (const TensorId weight : group.weights) {
    const TensorId gradient = builder.gradient_of(weight);
    const auto uses = [&](const Op& op) {
      return std::any_of(op.operands.begin(), op.operands.end(),
                         [&](const Operand& operand) { return operand.tensor == gradient; });
    };
    const auto first = std::find_if(backward.ops.begin(), backward.ops.end(), uses);
    if (first == backward.ops.end()) continue;
    builder.tensor(gradient).lifetime = Lifetime::block;
    auto* pointwise = std::get_if<Pointwise>(&first->kind);
    if (pointwise != nullptr && pointwise->kind == PointwiseKind::accumulate)
      pointwise->kind = PointwiseKind::cast;
    for (Operand& operand : first->operands) {
      if (operand.tensor == gradient) operand.access = Access::write;
    }
    const TensorId sum = builder.add(copy_of(builder, gradient, Derivation::on_host, Lifetime::step));
    const TensorId arrived =
        adds ? builder.add(copy_of(builder, gradient, Derivation::arrived_on_host, Lifetime::block)) : sum;
    leaving.insert(leaving.end(), {reads(gradient), writes(arrived)});
    if (adds) sums.insert(sums.end(), {reads(arrived), adds_to(sum)});
  }
  if (leaving.empty()) return;
  backward.ops.push_back(host_copy("offload gradients", HostWay::to_host, Component::gradient_sync,
                                   Phase::backward_weight, std::move(leaving)));
  for (std::size_t i = 0; i < sums.size(); i += 2)
    backward.ops.push_back(cpu_op("add gradients", Component::gradient_sync,
                                  Pointwise{PointwiseKind::accumulate, 0}, {sums[i], sums[i + 1]}));
}

void size_host_copies(StepProgram& program) {
  for (Block& block : program.blocks) {
    for (Op& op : block.ops) {
      auto* pointwise = std::get_if<Pointwise>(&op.kind);
      if (auto* copy = std::get_if<HostCopy>(&op.kind)) {
        copy->payload = Bytes();
        for (const Operand& operand : op.operands) {
          const Tensor& tensor = program.tensor(operand.tensor);
          if (tensor.on_host) copy->payload += tensor.local_bytes();
        }
      } else if (op.lane == Lane::cpu && pointwise != nullptr &&
                 pointwise->kind == PointwiseKind::accumulate) {
        pointwise->elements = program.tensor(op.operands.front().tensor).local_elements();
      }
    }
  }
}

}  // namespace foreshard
