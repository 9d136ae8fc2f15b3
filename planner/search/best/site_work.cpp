#include "planner/search/best/site_work.hpp"

#include <vector>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/build/stage_layout.hpp"
#include "planner/program/schedule/placement.hpp"
#include "planner/search/price/step_floor.hpp"

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

namespace {

/// True if layers are put on stages by their cost, and an even split would be the same.
bool is_even_by_cost(const JobSpec& job, const StepProgram& program) {
  if (job.parallelism.stage_policy != StagePolicy::by_cost || job.parallelism.mtp_place) return false;
  JobSpec even = job;
  even.parallelism.stage_policy = StagePolicy::even;
  const ForwardCosts alike{.layers = std::vector<Flops>(static_cast<std::size_t>(job.model.layers)),
                           .end = {},
                           .has_mtp = job.model.mtp.has_value()};
  return stage_layout(even, alike).pieces() == placement_of(program).pieces();
}

}  // namespace

CloseFloor SiteWork::close_floor(const PlanPoint& plan) const {
  const JobSpec job = space_.values().job(plan);
  const StepProgram program = build_step_program(job);
  const MemoryReport memory = memory_report(job, program);
  const Bytes needed = memory.reserved + memory.context;
  if (!fits(memory)) return {.fits = false, .floor = {.step = {}, .needed = needed}};
  return {.fits = true,
          .floor = {.step = step_floor(job, program).value_or(Seconds()), .needed = needed},
          .is_even = is_even_by_cost(job, program)};
}

EstimatedPlan SiteWork::estimated(const PlanPoint& plan) const {
  const JobSpec job = space_.values().job(plan);
  const StepProgram program = build_step_program(job);
  // Of plans that had a close floor it is known that they fit.
  if (!request_.prunes && !fits(memory_report(job, program))) return {};
  return {foreshard::estimate(job, program)};
}

bool SiteWork::fits(const MemoryReport& memory) const {
  const bool host_fits = !memory.host || memory.host->fits();
  return host_fits && fits(memory.reserved + memory.context);
}

}  // namespace foreshard
