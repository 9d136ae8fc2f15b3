#pragma once

namespace foreshard {

/// A physical dimension: the exponents of foreshard's base units byte, FLOP, second, token, US dollar, joule.
/// A rate of bytes per second is Dimension<1, 0, -1, 0, 0, 0>.
template <int Byte, int Flop, int Second, int Token, int Dollar, int Joule>
struct Dimension {
  template <class Other>
  struct times;
  template <int B, int F, int S, int T, int D, int J>
  struct times<Dimension<B, F, S, T, D, J>> {
    using type = Dimension<Byte + B, Flop + F, Second + S, Token + T, Dollar + D, Joule + J>;
  };
  template <class Other>
  struct over;
  template <int B, int F, int S, int T, int D, int J>
  struct over<Dimension<B, F, S, T, D, J>> {
    using type = Dimension<Byte - B, Flop - F, Second - S, Token - T, Dollar - D, Joule - J>;
  };
};

template <class A, class B>
using DimensionProduct = typename A::template times<B>::type;
template <class A, class B>
using DimensionRatio = typename A::template over<B>::type;

using Dimensionless = Dimension<0, 0, 0, 0, 0, 0>;

}  // namespace foreshard
