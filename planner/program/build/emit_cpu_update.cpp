#include "planner/program/build/emit_cpu_update.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "planner/program/build/optimizer_states.hpp"
#include "planner/program/passes/offload.hpp"
#include "planner/program/passes/quantise.hpp"
#include "planner/program/passes/zero.hpp"

namespace foreshard {

namespace {

/// A flat tensor on the host with elements of several weights or gradients of a group, end to end.
TensorId flat_on_host(ProgramBuilder& builder, const WeightGroup& group, const std::vector<TensorId>& weights,
                      Tensor flat, std::int64_t elements) {
  const bool of_experts = group.replicas == GroupKind::expert_dp;
  const std::int32_t tp = of_experts ? builder.shapes().etp : builder.shapes().tp;
  const std::int32_t degree = zero_degree(builder.job(), group);
  flat.label = group.prefix + flat.label;
  flat.meaning = {ModelPart::optimizer, TensorItem::states};
  flat.derivation = Derivation::on_host;
  flat.of = weights;
  flat.on_host = true;
  flat.per_layer = group.per_layer;
  flat.dims = {
      {.name = DimName::flat, .size = checked_product(elements, tp, degree), .tp = tp, .dp = degree}};
  return builder.add(std::move(flat));
}

/// The gradients that the CPU reads; appends the copy that brings them.
std::vector<Operand> arriving_gradients(ProgramBuilder& builder, const WeightGroup& group,
                                        const std::vector<TensorId>& weights, std::int64_t elements,
                                        Block& block) {
  if (gradients_go_to_host(builder)) return gradients_on_host(builder, group, Access::read);
  Tensor flat;
  flat.label = ".gradients.host";
  flat.role = TensorRole::gradient;
  flat.dtype = builder.tensor(builder.gradient_of(weights.front())).dtype;
  flat.lifetime = Lifetime::block;
  const TensorId arrived = flat_on_host(builder, group, weights, std::move(flat), elements);
  std::vector<Operand> operands;
  for (const TensorId id : weights) operands.push_back(reads(builder.gradient_of(id)));
  operands.push_back(writes(arrived));
  block.ops.push_back(host_copy("offload gradients", HostWay::to_host, Component::optimizer, Phase::optimizer,
                                std::move(operands)));
  return {reads(arrived)};
}

/// The copy of the host's masters to the device's own, from which it casts the weights in passing.
std::vector<Operand> masters_going_back(ProgramBuilder& builder, const WeightGroup& group,
                                        const std::vector<TensorId>& weights, std::int64_t elements,
                                        const Operand& host_masters) {
  std::vector<Operand> back{reads(host_masters.tensor)};
  back.push_back(master_operands(builder, group, weights, "kept", StatePart{elements}).front());
  for (const TensorId id : weights) back.push_back(adds_to(updated_weight(builder, id)));
  return back;
}

/// The copy of updated weights to the device; none for those that lie on the host. Appends to the operands of the
/// update what it writes.
std::vector<Operand> weights_going_back(ProgramBuilder& builder, const WeightGroup& group,
                                        const std::vector<TensorId>& weights, std::int64_t elements,
                                        std::vector<Operand>& update) {
  const bool masters = keeps_masters(builder, group);
  std::vector<TensorId> kept_on_device;
  std::vector<Operand> back;
  for (const TensorId id : weights) {
    const TensorId updated = updated_weight(builder, id);
    if (builder.tensor(updated).on_host) {
      update.push_back(masters ? writes(updated) : adds_to(updated));
    } else {
      kept_on_device.push_back(id);
      back.push_back(adds_to(updated));
    }
  }
  if (back.empty()) return back;
  // Without masters, the CPU updates a copy of the weights that it keeps.
  Tensor flat;
  flat.label = ".weights.host";
  flat.role = TensorRole::weight;
  flat.dtype = builder.tensor(back.front().tensor).dtype;
  flat.lifetime = masters ? Lifetime::block : Lifetime::step;
  const std::int64_t own =
      kept_on_device.size() == weights.size() ? elements : share_elements(builder, group, kept_on_device);
  const TensorId copies = flat_on_host(builder, group, kept_on_device, std::move(flat), own);
  update.push_back(masters ? writes(copies) : adds_to(copies));
  back.insert(back.begin(), reads(copies));
  return back;
}

}  // namespace

std::int64_t elements_on_host(const JobSpec& job, std::int64_t elements) {
  const double share = job.training.offload.optimizer;
  return share == 1.0 ? elements
                      : static_cast<std::int64_t>(std::floor(share * static_cast<double>(elements)));
}

void append_cpu_update(ProgramBuilder& builder, const WeightGroup& group,
                       const std::vector<TensorId>& weights, OptimizerKind optimizer, std::int64_t elements,
                       Operand norm, Block& block) {
  std::vector<Operand> operands = arriving_gradients(builder, group, weights, elements, block);
  operands.push_back(norm);
  const std::vector<Operand> states =
      state_operands(builder, group, weights, optimizer, "host", StatePart{elements, true});
  operands.insert(operands.end(), states.begin(), states.end());
  const bool keeps_whole = keeps_masters(builder, group) && !builder.conventions().offloads_masters &&
                           builder.job().training.states.master == MasterWeights::fp32;
  std::vector<Operand> back = keeps_whole
                                  ? masters_going_back(builder, group, weights, elements, states.front())
                                  : weights_going_back(builder, group, weights, elements, operands);
  block.ops.push_back(cpu_op("update", Component::optimizer,
                             OptimizerUpdate{.kind = optimizer, .parameters = elements},
                             std::move(operands)));
  if (!back.empty())
    block.ops.push_back(host_copy(keeps_whole ? "fetch masters" : "fetch weights", HostWay::to_device,
                                  Component::optimizer, Phase::optimizer, std::move(back)));
}

void append_paged_update(ProgramBuilder& builder, Op update, Block& block) {
  std::vector<Operand> in;
  std::vector<Operand> out;
  for (Operand& operand : update.operands) {
    Tensor paged = builder.tensor(operand.tensor);
    if (!paged.on_host) continue;
    paged.label += ".paged";
    paged.on_host = false;
    paged.lifetime = Lifetime::block;
    const TensorId host = std::exchange(operand.tensor, builder.add(std::move(paged)));
    in.insert(in.end(), {reads(host), writes(operand.tensor)});
    out.insert(out.end(), {reads(operand.tensor), writes(host)});
  }
  if (!in.empty())
    block.ops.push_back(
        host_copy("page in", HostWay::to_device, Component::optimizer, Phase::optimizer, std::move(in)));
  block.ops.push_back(std::move(update));
  if (!out.empty())
    block.ops.push_back(
        host_copy("page out", HostWay::to_host, Component::optimizer, Phase::optimizer, std::move(out)));
}

std::vector<Operand> gradients_on_host(const ProgramBuilder& builder, const WeightGroup& group,
                                       Access access) {
  std::vector<Operand> operands;
  for (const TensorId id : group.weights)
    operands.push_back({builder.find(Derivation::on_host, builder.gradient_of(id)), access, 0});
  return operands;
}

}  // namespace foreshard
