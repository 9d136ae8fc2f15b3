#pragma once

#include <cstdint>

#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::test {

/// The session of a test under mpirun.
MpiSession& mpi_session();

struct MeshDegrees {
  std::int64_t tp = 1;
  std::int64_t dp = 1;
  std::int64_t pp = 1;
};
inline DeviceMesh mesh_of(const MeshDegrees& degrees) {
  ParallelismSpec parallelism;
  parallelism.tp = static_cast<decltype(parallelism.tp)>(degrees.tp);
  parallelism.dp = static_cast<decltype(parallelism.dp)>(degrees.dp);
  parallelism.pp = static_cast<decltype(parallelism.pp)>(degrees.pp);
  return DeviceMesh(parallelism);
}

}  // namespace foreshard::test
