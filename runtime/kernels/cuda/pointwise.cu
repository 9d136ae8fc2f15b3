// Bytes per element of the result in bf16, each read or written once:
//   add, multiply     read 4, write 2
//   activations       read 2, write 2; backward read 4, write 2
//   gated kinds       read 4, write 2; backward read 6, write 4
#include "planner/program/ops/op.hpp"
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"
#include "runtime/kernels/cuda/sums.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kPointThreads = 256;

struct ValueAndSlope {
  float value;
  float slope;
};

// Formulas: runtime/kernels/reference/activation.hpp.
template <PointwiseKind kind>
__device__ ValueAndSlope activation(float x) {
  if constexpr (kind == PointwiseKind::gelu || kind == PointwiseKind::geglu) {
    const float cumulative = 0.5F * (1.0F + erff(x * 0.70710678F));
    const float density = 0.39894228F * __expf(-0.5F * x * x);
    return {x * cumulative, cumulative + x * density};
  } else if constexpr (kind == PointwiseKind::relu) {
    return {fmaxf(x, 0.0F), x > 0.0F ? 1.0F : 0.0F};
  } else if constexpr (kind == PointwiseKind::sqrelu) {
    return {x > 0.0F ? x * x : 0.0F, x > 0.0F ? 2.0F * x : 0.0F};
  } else {
    const float sigmoid = 1.0F / (1.0F + __expf(-x));
    if constexpr (kind == PointwiseKind::silu || kind == PointwiseKind::swiglu)
      return {x * sigmoid, sigmoid * (1.0F + x * (1.0F - sigmoid))};
    return {sigmoid, sigmoid * (1.0F - sigmoid)};
  }
}

template <class A, class B, class Y>
struct Add {
  const A* a;
  const B* b;
  Y* y;
  std::int64_t period;  // of b
  template <int N>
  __device__ void run(std::int64_t i) const {
    const Floats<N> x = load<N>(a + i);
    const Floats<N> z = load<N>(b + (i < period ? i : i % period));
    Floats<N> sum;
    for (int j = 0; j < N; ++j) sum.at[j] = x.at[j] + z.at[j];
    store<N>(y + i, sum);
  }
};

template <class T>
struct Multiply {
  const T* a;
  const T* b;
  T* y;
  template <int N>
  __device__ void run(std::int64_t i) const {
    const Floats<N> x = load<N>(a + i);
    const Floats<N> z = load<N>(b + i);
    Floats<N> product;
    for (int j = 0; j < N; ++j) product.at[j] = x.at[j] * z.at[j];
    store<N>(y + i, product);
  }
};

template <class T>
struct MultiplyBackward {
  const T* a;
  const T* b;
  const T* dy;
  T* da;
  T* db;
  template <int N>
  __device__ void run(std::int64_t i) const {
    const Floats<N> x = load<N>(a + i);
    const Floats<N> z = load<N>(b + i);
    const Floats<N> d = load<N>(dy + i);
    Floats<N> dx;
    Floats<N> dz;
    for (int j = 0; j < N; ++j) {
      dx.at[j] = d.at[j] * z.at[j];
      dz.at[j] = d.at[j] * x.at[j];
    }
    store<N>(da + i, dx);
    store<N>(db + i, dz);
  }
};

template <PointwiseKind kind, class T>
struct Activate {
  const T* x;
  T* y;
  template <int N>
  __device__ void run(std::int64_t i) const {
    Floats<N> values = load<N>(x + i);
    for (int j = 0; j < N; ++j) values.at[j] = activation<kind>(values.at[j]).value;
    store<N>(y + i, values);
  }
};

template <PointwiseKind kind, class T>
struct ActivateBackward {
  const T* x;
  const T* dy;
  T* dx;
  template <int N>
  __device__ void run(std::int64_t i) const {
    const Floats<N> values = load<N>(x + i);
    Floats<N> slopes = load<N>(dy + i);
    for (int j = 0; j < N; ++j) slopes.at[j] *= activation<kind>(values.at[j]).slope;
    store<N>(dx + i, slopes);
  }
};

// Rows of x are {gate, up}, each `width` long.
template <PointwiseKind kind, class T>
struct Gate {
  const T* x;
  T* y;
  std::uint32_t width;
  template <int N>
  __device__ void run(std::int64_t i) const {
    const T* gate_at = x + i + i / width * width;
    const Floats<N> gate = load<N>(gate_at);
    Floats<N> up = load<N>(gate_at + width);
    for (int j = 0; j < N; ++j) up.at[j] *= activation<kind>(gate.at[j]).value;
    store<N>(y + i, up);
  }
};

template <PointwiseKind kind, class T>
struct GateBackward {
  const T* x;
  const T* dy;
  T* dx;
  std::uint32_t width;
  template <int N>
  __device__ void run(std::int64_t i) const {
    const std::int64_t at = i + i / width * width;
    Floats<N> gate = load<N>(x + at);
    Floats<N> up = load<N>(x + at + width);
    const Floats<N> d = load<N>(dy + i);
    for (int j = 0; j < N; ++j) {
      const ValueAndSlope f = activation<kind>(gate.at[j]);
      gate.at[j] = d.at[j] * up.at[j] * f.slope;
      up.at[j] = d.at[j] * f.value;
    }
    store<N>(dx + at, gate);
    store<N>(dx + at + width, up);
  }
};

template <class A, class Y>
struct Cast {
  const A* a;
  Y* y;
  template <int N>
  __device__ void run(std::int64_t i) const {
    store<N>(y + i, load<N>(a + i));
  }
};

template <class A, class Y>
struct Accumulate {
  const A* a;
  Y* y;
  template <int N>
  __device__ void run(std::int64_t i) const {
    const Floats<N> summand = load<N>(a + i);
    Floats<N> sum = load<N>(y + i);
    for (int j = 0; j < N; ++j) sum.at[j] += summand.at[j];
    store<N>(y + i, sum);
  }
};

/// y = scale·a, divided by √squares + 1e-7 unless there are none.
template <class A, class Y>
struct Scale {
  const A* a;
  Y* y;
  float scale;
  const float* squares;
  template <int N>
  __device__ void run(std::int64_t i) const {
    const float factor = squares == nullptr ? scale : scale / (sqrtf(*squares) + 1e-7F);
    Floats<N> numbers = load<N>(a + i);
    for (int j = 0; j < N; ++j) numbers.at[j] *= factor;
    store<N>(y + i, numbers);
  }
};

template <int N, class Each>
__global__ void __launch_bounds__(kPointThreads) run_each(std::int64_t elements, Each each) {
  const std::int64_t i = (std::int64_t{blockIdx.x} * kPointThreads + threadIdx.x) * N;
  if (i + N <= elements) {
    each.template run<N>(i);
  } else {
    for (std::int64_t j = i; j < elements; ++j) each.template run<1>(j);
  }
}

template <class Each>
void launch(Context& context, std::int64_t elements, bool packed, const Each& each) {
  if (elements == 0) return;
  if (packed) {
    start(context, "a pointwise kernel", {blocks_for(elements, kPointThreads * kPack), kPointThreads},
          run_each<kPack, Each>, elements, each);
  } else {
    start(context, "a pointwise kernel", {blocks_for(elements, kPointThreads), kPointThreads},
          run_each<1, Each>, elements, each);
  }
}

/// Calls work(kind) with the kind as a compile-time constant.
template <class Work>
void with_activation(PointwiseKind kind, const Work& work) {
  using enum PointwiseKind;
  switch (kind) {
    case gelu: return work(std::integral_constant<PointwiseKind, gelu>());
    case relu: return work(std::integral_constant<PointwiseKind, relu>());
    case sqrelu: return work(std::integral_constant<PointwiseKind, sqrelu>());
    case silu: return work(std::integral_constant<PointwiseKind, silu>());
    case sigmoid: return work(std::integral_constant<PointwiseKind, sigmoid>());
    case swiglu: return work(std::integral_constant<PointwiseKind, swiglu>());
    case geglu: return work(std::integral_constant<PointwiseKind, geglu>());
    case glu: return work(std::integral_constant<PointwiseKind, glu>());
    case add:
    case dropout:
    case dropout_add:
    case softmax:
    case multiply:
    case bias_gradient:
    case zero:
    case sum_squares:
    case cast:
    case accumulate:
    case normalise:
    case relayout:
    case quantise:
    case amax:
    case transpose: break;
  }
  throw std::invalid_argument("no activation");
}

/// The operand's numbers with the type of another operand's.
template <class T>
T* like(T* /*other*/, const Buffer& buffer) {
  return reinterpret_cast<T*>(buffer.data);
}

void require_alike(std::initializer_list<Buffer> buffers, DType type) {
  for (const Buffer& buffer : buffers) {
    if (!buffer.empty() && buffer.type != type)
      throw std::invalid_argument("pointwise: the operands differ in dtype");
  }
}

void activate(Context& context, const PointwiseCall& call) {
  require_alike({call.a, call.b}, call.y.type);
  const bool packed = are_packed({call.a, call.b, call.y}, kPack);
  with_activation(call.kind, [&](auto kind) {
    with_numbers(call.y, [&](auto* y) {
      using T = std::remove_pointer_t<decltype(y)>;
      if (call.backward) {
        launch(context, call.elements, packed,
               ActivateBackward<kind.value, T>{like(y, call.a), like(y, call.b), y});
      } else {
        launch(context, call.elements, packed, Activate<kind.value, T>{like(y, call.a), y});
      }
    });
  });
}

void gate(Context& context, const PointwiseCall& call) {
  require_alike({call.a, call.b}, call.y.type);
  const bool packed = are_packed({call.a, call.b, call.y}, call.width);
  const auto width = static_cast<std::uint32_t>(call.width);
  with_activation(call.kind, [&](auto kind) {
    with_numbers(call.y, [&](auto* y) {
      using T = std::remove_pointer_t<decltype(y)>;
      if (call.backward) {
        launch(context, call.elements, packed,
               GateBackward<kind.value, T>{like(y, call.a), like(y, call.b), y, width});
      } else {
        launch(context, call.elements, packed, Gate<kind.value, T>{like(y, call.a), y, width});
      }
    });
  });
}

void multiply(Context& context, const PointwiseCall& call) {
  require_alike({call.a, call.b, call.c, call.y2}, call.y.type);
  const bool packed = are_packed({call.a, call.b, call.c, call.y, call.y2}, kPack);
  with_numbers(call.y, [&](auto* y) {
    using T = std::remove_pointer_t<decltype(y)>;
    if (call.backward) {
      launch(context, call.elements, packed,
             MultiplyBackward<T>{like(y, call.a), like(y, call.b), like(y, call.c), y, like(y, call.y2)});
    } else {
      launch(context, call.elements, packed, Multiply<T>{like(y, call.a), like(y, call.b), y});
    }
  });
}

void add(Context& context, const PointwiseCall& call) {
  const bool packed = are_packed({call.a, call.b, call.y}, call.b.elements);
  with_numbers(call.a, [&](auto* a) {
    with_numbers(call.b, [&](auto* b) {
      with_numbers(call.y, [&](auto* y) {
        launch(context, call.elements, packed,
               Add<std::remove_pointer_t<decltype(a)>, std::remove_pointer_t<decltype(b)>,
                   std::remove_pointer_t<decltype(y)>>{a, b, y, call.b.elements});
      });
    });
  });
}

/// cast and accumulate: the only kinds whose operands may differ in dtype.
template <template <class, class> class Each>
void convert(Context& context, const PointwiseCall& call) {
  const bool packed = are_packed({call.a, call.y}, kPack);
  with_numbers(call.a, [&](auto* a) {
    with_numbers(call.y, [&](auto* y) {
      using Made = Each<std::remove_pointer_t<decltype(a)>, std::remove_pointer_t<decltype(y)>>;
      launch(context, call.elements, packed, Made{a, y});
    });
  });
}

void scale(Context& context, const PointwiseCall& call) {
  const bool packed = are_packed({call.a, call.y}, kPack);
  with_numbers(call.a, [&](auto* a) {
    with_numbers(call.y, [&](auto* y) {
      using Made = Scale<std::remove_pointer_t<decltype(a)>, std::remove_pointer_t<decltype(y)>>;
      launch(context, call.elements, packed, Made{a, y, static_cast<float>(call.scale), floats(call.b)});
    });
  });
}

}  // namespace

void run(Context& context, const PointwiseCall& call) {
  switch (call.kind) {
    case PointwiseKind::add: return add(context, call);
    case PointwiseKind::multiply: return multiply(context, call);
    case PointwiseKind::swiglu:
    case PointwiseKind::geglu:
    case PointwiseKind::glu: return gate(context, call);
    case PointwiseKind::bias_gradient: return bias_gradient(context, call);
    case PointwiseKind::sum_squares: return sum_squares(context, call);
    case PointwiseKind::cast: return call.scale == 1.0 ? convert<Cast>(context, call) : scale(context, call);
    case PointwiseKind::normalise: return scale(context, call);
    case PointwiseKind::accumulate: return convert<Accumulate>(context, call);
    case PointwiseKind::zero:
      return check_cuda(
          cudaMemsetAsync(call.y.data, 0, static_cast<std::size_t>(call.y.bytes()), context.stream()),
          "cudaMemsetAsync");
    case PointwiseKind::gelu:
    case PointwiseKind::relu:
    case PointwiseKind::sqrelu:
    case PointwiseKind::silu:
    case PointwiseKind::sigmoid: return activate(context, call);
    case PointwiseKind::dropout:
    case PointwiseKind::dropout_add:
    case PointwiseKind::softmax:
    case PointwiseKind::relayout:
    case PointwiseKind::quantise:
    case PointwiseKind::amax:
    case PointwiseKind::transpose:
    case PointwiseKind::unit_rows:
    case PointwiseKind::pool:
    case PointwiseKind::repeat:
    case PointwiseKind::mixing_weights:
    case PointwiseKind::read_streams:
    case PointwiseKind::write_streams: break;
  }
  throw std::invalid_argument("a pointwise kernel that is planned, not executed");
}

}  // namespace foreshard::cuda
