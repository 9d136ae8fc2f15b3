// x, y, dy, dx (elements)   gate, d_gate (elements / width)
#include "runtime/kernels/reference/activation.hpp"
#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {

template <class Real>
void run(const GateCall& call) {
  const Real* x = as<const Real>(call.x);
  const Real* dy = as<const Real>(call.dy);
  for (std::int64_t gate = 0; gate < call.gate.elements; ++gate) {
    const ValueAndSlope<Real> f = activation(PointwiseKind::sigmoid, as<const Real>(call.gate)[gate]);
    Real product = 0;
    for (std::int64_t i = gate * call.width; i < (gate + 1) * call.width; ++i) {
      if (call.backward) {
        product += dy[i] * x[i];
        as<Real>(call.dx)[i] = dy[i] * f.value;
      } else {
        as<Real>(call.y)[i] = x[i] * f.value;
      }
    }
    if (call.backward) as<Real>(call.d_gate)[gate] = product * f.slope;
  }
}

template void run<float>(const GateCall&);
template void run<double>(const GateCall&);

}  // namespace foreshard::reference
