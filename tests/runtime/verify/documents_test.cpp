// Packed documents: queries see keys of their own document, over all shardings of the sequence.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

/// Sequences of 8 tokens hold two documents of 4.
JobSpec documents_job(const Degrees& degrees) {
  JobSpec job = sharded(tiny_job(false), degrees);
  job.training.global_batch = 4 * degrees.dp;
  job.training.documents = DocumentsSpec{.lengths = {4.0}, .packed = true};
  return job;
}

TEST_CASE("attention over documents equals the unsharded run, and is counted as planned") {
  const std::int64_t ranks = mpi_session().size();
  std::vector<Degrees> all{{.tp = ranks}, {.pp = ranks}};
  if (ranks > 1) all.push_back({.dp = ranks / 2, .cp = 2});
  for (const Degrees& degrees : all) {
    CAPTURE(degrees.name());
    check_equals_unsharded(documents_job(degrees));
    check_fast_kernels(documents_job(degrees));
    check_counted_as_planned(documents_job(degrees));
  }
}

TEST_CASE("documents change what is computed, unless they are as long as the sequence") {
  const auto loss = [](const JobSpec& job) {
    ReferenceDevice device;
    MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
    return compare_with_unsharded(job, device, communicator, 1).unsharded_loss;
  };
  JobSpec job = documents_job({.dp = mpi_session().size()});
  const double documents = loss(job);
  job.training.documents->lengths = {8.0};
  const double whole = loss(job);
  job.training.documents.reset();
  CHECK(loss(job) == whole);
  CHECK(documents != Approx(whole).epsilon(1e-6));
}

}  // namespace
}  // namespace foreshard::test
