#pragma once

#include "planner/results/calibration_result.hpp"
#include "planner/spec/types/cluster_spec.hpp"
#include "runtime/calibrate/calibrate.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// Measures the CPUs that the ranks run on, and the links between them (calibrate.hpp). A collective call of
/// all ranks; all get the same result. @throws RequestError if hosts have different numbers of ranks; as
/// calibrate
CalibrationResult calibrate_processors(const MpiSession& session, const CalibrationOptions& options);

/// Measures the GPUs that the ranks run on, one per rank. Figures that cannot be measured are copied from
/// `like`. A collective call of all ranks; all get the same result. @throws RequestError if there is no such
/// GPU, or fewer of them than ranks; as calibrate_gpu
CalibrationResult calibrate_gpus(const MpiSession& session, const ClusterSpec& like,
                                 const CalibrationOptions& options);

}  // namespace foreshard
