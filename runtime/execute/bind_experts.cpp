#include "runtime/execute/bind_experts.hpp"

#include "runtime/execute/routing.hpp"
#include "runtime/shard/shard_map.hpp"

namespace foreshard {
namespace {

const Tensor& operand_of(const RankView& rank, const Op& op, std::size_t index) {
  return rank.program.tensor(op.operands[index].tensor);
}

/// True if a tensor holds rows of the rank's own tokens, one per choice of an expert; false if it holds the
/// rows that the rank's experts work on.
bool is_on_token_side(const Tensor& tensor) {
  const Meaning& meaning = tensor.meaning;
  return meaning.part == ModelPart::experts &&
         (meaning.item == TensorItem::sent || meaning.item == TensorItem::returned);
}

}  // namespace

bool carries_routed_rows(const Op& op) {
  return op.component == Component::experts && std::holds_alternative<Collective>(op.kind);
}

std::vector<KernelCall> bind_route(const RankView& /*rank*/, const Op& op, std::span<const Buffer> operands) {
  const Route& route = std::get<Route>(op.kind);
  RouteCall call{.backward = is_backward(op.phase),
                 .tokens = route.tokens,
                 .experts = route.experts,
                 .per_token = route.per_token};
  if (call.backward) {
    call.routes = operands[0];
    call.d_routes = operands[1];
    call.d_logits = operands[2];
    call.accumulate = op.operands[2].access == Access::accumulate;
  } else {
    call.logits = operands[0];
    call.routes = operands.back();
  }
  return {call};
}

std::vector<KernelCall> bind_permute(const RankView& rank, const Op& op, std::span<const Buffer> operands) {
  const Permute& permute = std::get<Permute>(op.kind);
  PermuteCall call{.backward = is_backward(op.phase), .weighted = permute.weighted};
  call.per_token = operand_of(rank, op, 1).dims.back().size / 2;  // routes: experts, then weights
  call.tokens = permute.rows / call.per_token;
  call.width = permute.width;
  call.places = &rank.routing->places();
  call.routes = operands[1];
  const bool to_experts = call.weighted == call.backward;
  if (call.weighted && call.backward) {
    call.expert_rows = operands[0];
    call.token_rows = operands[2];
    call.d_expert_rows = operands[3];
    call.d_routes = operands[4];
  } else {
    call.token_rows = operands[to_experts ? 0 : 2];
    call.expert_rows = operands[to_experts ? 2 : 0];
    call.accumulate = op.operands[2].access == Access::accumulate;
  }
  return {call};
}

std::vector<KernelCall> bind_grouped_gemm(const RankView& rank, const Op& op,
                                          std::span<const Buffer> operands) {
  const GroupedGemm& gemm = std::get<GroupedGemm>(op.kind);
  GroupedGemmCall call{.experts = gemm.experts, .room = gemm.tokens, .out = gemm.n, .in = gemm.k};
  call.routed = &rank.routing->rows();
  switch (op.phase) {
    case Phase::backward_input:
      call.part = GroupedPart::input_gradient;
      std::swap(call.out, call.in);
      call.y = operands[0];
      call.weight = operands[1];
      call.x = operands[2];
      call.accumulate = op.operands[2].access == Access::accumulate;
      break;
    case Phase::backward_weight:
      call.part = GroupedPart::weight_gradient;
      call.y = operands[0];
      call.x = operands[1];
      call.weight = operands[2];
      call.accumulate = op.operands[2].access == Access::accumulate;
      break;
    case Phase::forward:
    case Phase::recompute:
    case Phase::optimizer:
      call.x = operands[0];
      call.weight = operands[1];
      call.y = operands[2];
      // If the results of the experts' tensor-parallel ranks are partial sums, only the first rank adds the biases.
      const bool adds_bias = !operand_of(rank, op, 2).partial || shard_of(rank.program, rank.at).etp == 0;
      if (operands.size() > 3 && adds_bias) call.bias = operands[3];
  }
  return {call};
}

KernelCall bind_grouped_bias_gradient(const RankView& rank, const Op& op, std::span<const Buffer> operands) {
  const Tensor& dy = operand_of(rank, op, 0);
  const Tensor& d_bias = operand_of(rank, op, 1);
  return GroupedBiasCall{.experts = d_bias.dims[0].local(),
                         .room = dy.dims[0].local(),
                         .width = d_bias.dims[1].local(),
                         .routed = &rank.routing->rows(),
                         .dy = operands[0],
                         .d_bias = operands[1]};
}

CollectiveCall bind_routed_exchange(const RankView& rank, const Op& op) {
  const Collective& collective = std::get<Collective>(op.kind);
  CollectiveCall call{.kind = collective.kind, .group = collective.group, .reduction = collective.reduction};
  const Routing& routing = *rank.routing;
  switch (collective.kind) {
    case CollectiveKind::all_to_all: {
      const bool to_experts = is_on_token_side(operand_of(rank, op, 0));
      call.send_elements = to_experts ? routing.sent() : routing.arrived();
      call.receive_elements = to_experts ? routing.arrived() : routing.sent();
      break;
    }
    case CollectiveKind::all_gather: call.receive_elements = routing.of_etp(); break;
    case CollectiveKind::reduce_scatter: call.send_elements = routing.of_etp(); break;
    case CollectiveKind::all_reduce: break;
  }
  return call;
}

}  // namespace foreshard
