#include "runtime/execute/arena_layout.hpp"

#include <algorithm>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

DType nominal(DType type) { return type; }

ArenaLayout layout_of(const JobSpec& job, StageId stage) {
  const StepProgram program = build_step_program(job);
  return ArenaLayout(program, stage, nominal);
}

TEST_CASE("what is alive at the same time never shares memory") {
  const JobSpec job = sharded(tiny_job(false), {.tp = 2, .pp = 2});
  const StepProgram program = build_step_program(job);
  const ArenaLayout layout(program, StageId(0), nominal);
  std::vector<Allocation> all;
  for (const auto& [instance, allocation] : layout.all()) all.push_back(allocation);
  REQUIRE(all.size() > 100);
  std::size_t clashes = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      const bool same_time = all[i].first <= all[j].last && all[j].first <= all[i].last;
      const bool same_place =
          all[i].offset < all[j].offset + all[j].bytes && all[j].offset < all[i].offset + all[i].bytes;
      if (same_time && same_place) ++clashes;
    }
  }
  CHECK(clashes == 0);
}

TEST_CASE("tensors begin at cache lines and end within the arena") {
  const ArenaLayout layout = layout_of(sharded(tiny_job(true), {}), StageId(0));
  for (const auto& [instance, allocation] : layout.all()) {
    CHECK(allocation.offset % 64 == 0);
    CHECK(allocation.offset + allocation.bytes <= layout.capacity());
  }
}

TEST_CASE("the arena's peak is the memory ledger's, whatever the sharding") {
  for (const std::int64_t devices : {1, 2, 4}) {
    for (const Degrees& degrees : degrees_of(devices)) {
      for (const Recompute recompute : {Recompute::none, Recompute::selective, Recompute::full}) {
        JobSpec job = sharded(tiny_job(false), degrees);
        job.training.recompute = recompute;
        const StepProgram program = build_step_program(job);
        const MemoryReport report = memory_report(job, program);
        for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
          CAPTURE(degrees.name(), stage, static_cast<int>(recompute));
          const ArenaLayout layout(program, StageId(stage), nominal);
          CHECK(layout.peak() == report.stages[stage].peak);
          CHECK(layout.capacity() >= layout.peak().value());
        }
      }
    }
  }
}

TEST_CASE("memory that is given back is used again") {
  // With one micro-batch more in flight at no time, more micro-batches need no more memory.
  JobSpec few = sharded(tiny_job(false), {});
  few.training.global_batch = 4;
  JobSpec many = few;
  many.training.global_batch = 16;
  CHECK(layout_of(few, StageId(0)).capacity() == layout_of(many, StageId(0)).capacity());
}

}  // namespace
}  // namespace foreshard::test
