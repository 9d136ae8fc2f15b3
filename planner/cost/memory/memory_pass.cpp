#include "planner/cost/memory/memory_pass.hpp"

#include <variant>

namespace foreshard {
namespace {

MemoryPass pass_of(PointwiseKind kind) {
  switch (kind) {
    case PointwiseKind::add:
    case PointwiseKind::multiply:
    case PointwiseKind::zero:
    case PointwiseKind::cast:
    case PointwiseKind::accumulate:
    case PointwiseKind::normalise:
    case PointwiseKind::relayout:
    case PointwiseKind::repeat:
    case PointwiseKind::mixing_weights:
    case PointwiseKind::read_streams:
    case PointwiseKind::write_streams: return MemoryPass::elementwise;
    case PointwiseKind::unit_rows: return MemoryPass::norm;
    case PointwiseKind::pool: return MemoryPass::softmax;
    case PointwiseKind::quantise:
    case PointwiseKind::amax:
    case PointwiseKind::transpose: return MemoryPass::quantise;
    case PointwiseKind::dropout:
    case PointwiseKind::dropout_add: return MemoryPass::dropout;
    case PointwiseKind::softmax: return MemoryPass::softmax;
    case PointwiseKind::bias_gradient:
    case PointwiseKind::sum_squares: return MemoryPass::reduction;
    case PointwiseKind::gelu:
    case PointwiseKind::relu:
    case PointwiseKind::sqrelu:
    case PointwiseKind::silu:
    case PointwiseKind::sigmoid:
    case PointwiseKind::swiglu:
    case PointwiseKind::geglu:
    case PointwiseKind::glu: return MemoryPass::activation;
  }
  return MemoryPass::elementwise;
}

struct PassOf {
  MemoryPass operator()(const Gemm&) const { return MemoryPass::gemm; }
  MemoryPass operator()(const GroupedGemm&) const { return MemoryPass::grouped_gemm; }
  MemoryPass operator()(const Attention&) const { return MemoryPass::attention; }
  MemoryPass operator()(const Pointwise& op) const { return pass_of(op.kind); }
  MemoryPass operator()(const Norm&) const { return MemoryPass::norm; }
  MemoryPass operator()(const Rope&) const { return MemoryPass::rope; }
  MemoryPass operator()(const Embedding&) const { return MemoryPass::embedding; }
  MemoryPass operator()(const CrossEntropy&) const { return MemoryPass::cross_entropy; }
  MemoryPass operator()(const CausalConv&) const { return MemoryPass::convolution; }
  MemoryPass operator()(const LinearScan&) const { return MemoryPass::scan; }
  MemoryPass operator()(const GatedNorm&) const { return MemoryPass::norm; }
  MemoryPass operator()(const Gate&) const { return MemoryPass::activation; }
  MemoryPass operator()(const IndexScores&) const { return MemoryPass::attention; }
  MemoryPass operator()(const Route&) const { return MemoryPass::routing; }
  MemoryPass operator()(const Permute&) const { return MemoryPass::routing; }
  MemoryPass operator()(const OptimizerUpdate&) const { return MemoryPass::optimizer; }
  // Not used: communication and copies are priced by their links, not by the memory accesses at their ends.
  MemoryPass operator()(const Collective&) const { return MemoryPass::elementwise; }
  MemoryPass operator()(const Send&) const { return MemoryPass::elementwise; }
  MemoryPass operator()(const Recv&) const { return MemoryPass::elementwise; }
  MemoryPass operator()(const HostCopy&) const { return MemoryPass::elementwise; }
};

}  // namespace

MemoryPass memory_pass_of(const Op& op) { return std::visit(PassOf{}, op.kind); }

}  // namespace foreshard
