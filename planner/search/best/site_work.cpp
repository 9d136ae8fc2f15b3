#include "planner/search/best/site_work.hpp"

#include "planner/program/build/build_step_program.hpp"

namespace foreshard {

SiteWork::SiteWork(const JobSpec& job, const SearchRequest& request)
    : request_(request),
      space_(job, request.free),
      most_needed_(job.cluster.accelerator.memory_capacity.as_double() * (1.0 - request.memory_margin)) {}

SpacePart SiteWork::bound(std::size_t part) const {
  SpacePart bounded;
  PlanFloors floors(space_.job_of_part(part), Bytes(static_cast<std::int64_t>(most_needed_)));
  bounded.refusals = space_.walk(part, [&](const PlanPoint& point, const JobSpec& job) {
    ++bounded.plans;
    std::optional<PlanFloor> floor;
    if (request_.prunes) floor = floors.floor(point, job);
    if (!floor) ++bounded.without_floor;
    if (floor && !fits(floor->needed)) {
      ++bounded.too_large;
    } else {
      bounded.candidates.push_back({point, floor.value_or(PlanFloor{})});
    }
    return !is_stopped();
  });
  bounded.programs = floors.programs();
  return bounded;
}

EstimatedPlan SiteWork::estimated(const PlanPoint& plan) const {
  const JobSpec job = space_.values().job(plan);
  const StepProgram program = build_step_program(job);
  const MemoryReport memory = memory_report(job, program);
  const bool host_fits = !memory.host || memory.host->fits();
  if (!host_fits || !fits(memory.reserved + memory.context)) return {};
  return {foreshard::estimate(job, program)};
}

}  // namespace foreshard
