#include "runtime/comm/mpi_types.hpp"

#include <algorithm>

#include "runtime/device/bfloat16.hpp"

namespace foreshard {
namespace {

float sum_of(float a, float b) { return a + b; }
float larger_of(float a, float b) { return std::max(a, b); }

template <float (*reduce)(float, float)>
void reduce_bfloat16(void* in, void* in_out, int* count, MPI_Datatype* /*type*/) {
  const auto* from = static_cast<const BFloat16*>(in);
  auto* to = static_cast<BFloat16*>(in_out);
  for (int i = 0; i < *count; ++i)
    to[i] = BFloat16(reduce(static_cast<float>(to[i]), static_cast<float>(from[i])));
}

MPI_Op commutative(MPI_User_function* function) {
  MPI_Op operation = MPI_OP_NULL;
  MPI_Op_create(function, 1, &operation);
  return operation;
}

}  // namespace

MPI_Datatype mpi_type(DType type) {
  switch (type) {
    case DType::fp64: return MPI_DOUBLE;
    case DType::fp32:
    case DType::tf32: return MPI_FLOAT;
    case DType::bf16:
    case DType::fp16: return MPI_UINT16_T;
    case DType::int32: return MPI_INT32_T;
    case DType::fp8:
    case DType::fp8_rowwise:
    case DType::uint8: return MPI_UINT8_T;
    case DType::fp8_block:
    case DType::mxfp8:
    case DType::nvfp4:
    case DType::nf4: break;  // their scales are part of them: no MPI type holds both
  }
  return MPI_DATATYPE_NULL;
}

MPI_Op reduction_of(Reduction reduction, DType type) {
  const bool is_max = reduction == Reduction::max;
  if (type != DType::bf16) return is_max ? MPI_MAX : MPI_SUM;
  static MPI_Op sum = commutative(reduce_bfloat16<sum_of>);
  static MPI_Op largest = commutative(reduce_bfloat16<larger_of>);
  return is_max ? largest : sum;
}

}  // namespace foreshard
