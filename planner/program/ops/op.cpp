#include "planner/program/ops/op.hpp"

#include "planner/program/ops/enum_names.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {

std::optional<Communication> communication_of(const Op& op) {
  using Result = std::optional<Communication>;
  return std::visit(
      overloaded{[](const one_of<Collective, Send, Recv> auto& kind) -> Result { return kind; },
                 [](const one_of<Gemm, GroupedGemm, Attention, Pointwise, Norm, Rope, Embedding, CrossEntropy,
                                 CausalConv, LinearScan, GatedNorm, Gate, IndexScores, Route, Permute,
                                 HostCopy, OptimizerUpdate> auto&) -> Result { return std::nullopt; }},
      op.kind);
}

bool is_communication(const Op& op) { return communication_of(op).has_value(); }

bool is_kernel(const Op& op) { return op.lane == Lane::compute && !is_communication(op); }

bool is_product(const Op& op) {
  return std::visit(
      overloaded{[](const one_of<Gemm, GroupedGemm> auto&) { return true; },
                 [](const one_of<Attention, Pointwise, Norm, Rope, Embedding, CrossEntropy, CausalConv,
                                 LinearScan, GatedNorm, Gate, IndexScores, Route, Permute, Collective, Send,
                                 Recv, HostCopy, OptimizerUpdate> auto&) { return false; }},
      op.kind);
}

bool is_activation(const Op& op) {
  const auto* pointwise = std::get_if<Pointwise>(&op.kind);
  if (pointwise == nullptr) return false;
  switch (pointwise->kind) {
    case PointwiseKind::gelu:
    case PointwiseKind::relu:
    case PointwiseKind::sqrelu:
    case PointwiseKind::silu:
    case PointwiseKind::sigmoid:
    case PointwiseKind::swiglu:
    case PointwiseKind::geglu:
    case PointwiseKind::glu: return true;
    case PointwiseKind::add:
    case PointwiseKind::dropout:
    case PointwiseKind::dropout_add:
    case PointwiseKind::softmax:
    case PointwiseKind::multiply:
    case PointwiseKind::bias_gradient:
    case PointwiseKind::zero:
    case PointwiseKind::sum_squares:
    case PointwiseKind::cast:
    case PointwiseKind::accumulate:
    case PointwiseKind::normalise:
    case PointwiseKind::relayout:
    case PointwiseKind::quantise:
    case PointwiseKind::amax:
    case PointwiseKind::transpose:
    case PointwiseKind::unit_rows:
    case PointwiseKind::pool:
    case PointwiseKind::repeat:
    case PointwiseKind::mixing_weights:
    case PointwiseKind::read_streams:
    case PointwiseKind::write_streams: return false;
  }
  return false;
}

std::string_view to_string(Component component) { return name_of(component); }
std::string_view to_string(Phase phase) { return name_of(phase); }
std::string_view to_string(PointwiseKind kind) { return name_of(kind); }

std::string_view to_string(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::all_reduce: return "all-reduce";
    case CollectiveKind::all_gather: return "all-gather";
    case CollectiveKind::reduce_scatter: return "reduce-scatter";
    case CollectiveKind::all_to_all: return "all-to-all";
  }
  return "collective";
}

std::string_view to_string(Access access) {
  switch (access) {
    case Access::read: return "read";
    case Access::write: return "write";
    case Access::accumulate: return "accumulate";
  }
  return "access";
}

namespace {
struct KindName {
  std::string_view operator()(const Gemm&) const { return "gemm"; }
  std::string_view operator()(const GroupedGemm&) const { return "grouped_gemm"; }
  std::string_view operator()(const Attention&) const { return "attention"; }
  std::string_view operator()(const Pointwise& op) const { return to_string(op.kind); }
  std::string_view operator()(const Norm&) const { return "norm"; }
  std::string_view operator()(const Rope&) const { return "rope"; }
  std::string_view operator()(const Embedding&) const { return "embedding"; }
  std::string_view operator()(const CrossEntropy&) const { return "cross_entropy"; }
  std::string_view operator()(const CausalConv&) const { return "causal_conv"; }
  std::string_view operator()(const LinearScan&) const { return "linear_scan"; }
  std::string_view operator()(const GatedNorm&) const { return "gated_norm"; }
  std::string_view operator()(const Gate&) const { return "gate"; }
  std::string_view operator()(const IndexScores&) const { return "index_scores"; }
  std::string_view operator()(const Route&) const { return "route"; }
  std::string_view operator()(const Permute&) const { return "permute"; }
  std::string_view operator()(const Collective& op) const { return to_string(op.kind); }
  std::string_view operator()(const Send&) const { return "send"; }
  std::string_view operator()(const Recv&) const { return "recv"; }
  std::string_view operator()(const HostCopy&) const { return "host_copy"; }
  std::string_view operator()(const OptimizerUpdate&) const { return "optimizer_update"; }
};
}  // namespace

std::string_view kind_name(const OpKind& kind) { return std::visit(KindName{}, kind); }

}  // namespace foreshard
