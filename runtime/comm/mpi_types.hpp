#pragma once

#include <mpi.h>

#include "planner/program/ops/op.hpp"
#include "planner/units/dtype.hpp"

namespace foreshard {

/// MPI's type for numbers of a dtype. MPI has no bf16 and no fp16: they are sent as 16-bit words.
MPI_Datatype mpi_type(DType type);

/// MPI's operation that reduces numbers of a dtype. For bf16 it is defined here: it adds in fp32 and rounds
/// every sum of two numbers to bf16. @pre MPI has been initialised
MPI_Op reduction_of(Reduction reduction, DType type);

}  // namespace foreshard
