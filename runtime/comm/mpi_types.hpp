#pragma once

#include <mpi.h>

#include "planner/program/ops/op.hpp"
#include "planner/units/dtype.hpp"

namespace foreshard {

/// How MPI names numbers of a dtype. It has no bf16: those travel as 16-bit words.
MPI_Datatype mpi_type(DType type);

/// The operation that reduces numbers of a dtype; for bf16 one of our own, which adds in fp32 and rounds
/// every sum. @pre MPI has been initialised
MPI_Op reduction_of(Reduction reduction, DType type);

}  // namespace foreshard
