#pragma once

#include <span>

#include "planner/report/record.hpp"
#include "planner/results/simulated_job.hpp"

namespace foreshard::report {

/// One object for each job, with the keys of `plan`, and
///   simulation.{network,ranks,operations,undisturbed_s}  network: alpha-beta or flow; undisturbed_s: null if
///                                                        nothing disturbed the step
///   simulation.seeds.{draws,seed,p5_s,median_s,p95_s}    null for one draw
///   simulation.with.{job,time_s,alone_s}                 the other job on the fabric, or null
///   simulation.links[].{link,alike,bytes,busy}           with flows, at most 64, the busiest first
///   simulation.trainings.{runs,goodput,goodput_standard_error,p5_s,median_s,p95_s}
///                                                        simulated with failures; null if the job has none
Record simulation_record(std::span<const SimulatedJob> jobs);

}  // namespace foreshard::report
