#pragma once

#include "runtime/device/kernel_call.hpp"

// Every kernel as plain loops over its formula: the reference for the other devices' kernels. Floating-point
// buffers hold `Real` (float or double), ids and labels int32. Sums are sequential, in index order; nothing
// is allocated. Shapes and formulas: runtime/device/kernel_call.hpp.

namespace foreshard::reference {

/// @pre check_call(call) passes
template <class Real>
void run(const GemmCall& call);
template <class Real>
void run(const AttentionCall& call);
template <class Real>
void run(const NormCall& call);
template <class Real>
void run(const RopeCall& call);
template <class Real>
void run(const EmbeddingCall& call);
template <class Real>
void run(const CrossEntropyCall& call);
template <class Real>
void run(const PointwiseCall& call);
template <class Real>
void run(const UpdateCall& call);
template <class Real>
void run(const GatheredAttentionCall& call);
template <class Real>
void run(const GateCall& call);
template <class Real>
void run(const ColumnsCall& call);
template <class Real>
void run(const RouteCall& call);
template <class Real>
void run(const PermuteCall& call);
template <class Real>
void run(const GroupedGemmCall& call);
template <class Real>
void run(const GroupedBiasCall& call);
template <class Real>
void run(const AmaxCall& call);
template <class Real>
void run(const QuantiseCall& call);
template <class Real>
void run(const DecodeCall& call);
template <class Real>
void run(const TransposeCall& call);

}  // namespace foreshard::reference
