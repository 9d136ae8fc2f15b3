#pragma once

#include <span>
#include <vector>

#include "planner/results/sweep.hpp"
#include "planner/search/variants.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/study/validate.hpp"

namespace foreshard {

/// Validates these variants of a job, one after the other. A variant that is illegal or that the runtime
/// cannot execute is listed with the reason. Progress names the variant. A collective call of all ranks; all
/// get the same result.
/// @throws as validate_job. @pre every legal variant has as many devices as there are ranks
Sweep sweep_job(MpiSession& session, std::span<const Variant> variants, const ValidationOptions& options);

}  // namespace foreshard
