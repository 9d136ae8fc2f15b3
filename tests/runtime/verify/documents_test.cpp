// Packed documents: queries see keys of their own document, over all shardings of the sequence.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

JobSpec documents_job(const Degrees& degrees) {
  JobSpec job = sharded(tiny_job(false), degrees);
  job.training.global_batch = 4 * degrees.dp;
  // Sequences of 8 tokens hold two documents of 4.
  job.training.documents = DocumentsSpec{.lengths = {4.0}, .packed = true};
  return job;
}

/// Sequences hold documents of 3, 1, 3 and 1 tokens; with `is_cut` of 3, 2 and 3.
JobSpec uneven_job(const Degrees& degrees, bool is_cut) {
  JobSpec job = documents_job(degrees);
  job.training.documents = DocumentsSpec{
      .lengths = is_cut ? std::vector{3.0, 2.0, 5.0} : std::vector{3.0, 1.0}, .packed = true, .drawn = false};
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

TEST_CASE("attention over documents of several lengths equals the unsharded run, and is counted as planned") {
  const std::int64_t ranks = mpi_session().size();
  std::vector<Degrees> all{{.tp = ranks}, {.pp = ranks}, {.dp = ranks}};
  if (ranks > 1) all.push_back({.dp = ranks / 2, .cp = 2});
  for (const Degrees& degrees : all) {
    for (const bool is_cut : {false, true}) {
      CAPTURE(degrees.name(), is_cut);
      check_equals_unsharded(uneven_job(degrees, is_cut));
      check_fast_kernels(uneven_job(degrees, is_cut));
      check_counted_as_planned(uneven_job(degrees, is_cut));
    }
  }
}

TEST_CASE("Ulysses sees the documents of whole sequences") {
  if (mpi_session().size() != 2) return;
  JobSpec job = uneven_job({.cp = 2}, true);
  job.parallelism.cp_style = CpStyle::ulysses;
  check_equals_unsharded(job);
  check_counted_as_planned(job);
}

TEST_CASE("documents change what is computed, unless they are as long as the sequence") {
  const auto loss = [](const JobSpec& job) {
    ReferenceDevice device;
    MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
    return compare_with_unsharded(job, device, communicator, 1).unsharded_loss;
  };
  JobSpec job = documents_job({.dp = mpi_session().size()});
  const double documents = loss(job);
  // Listed documents of 4 and 4 tokens are the same documents; 3 and 5 are others.
  job.training.documents = DocumentsSpec{.lengths = {4.0, 4.0}, .packed = true, .drawn = false};
  CHECK(loss(job) == documents);
  job.training.documents->lengths = {3.0, 5.0};
  CHECK(loss(job) != Approx(documents).epsilon(1e-6));
  job.training.documents = DocumentsSpec{.lengths = {8.0}, .packed = true};
  const double whole = loss(job);
  job.training.documents.reset();
  CHECK(loss(job) == whole);
  CHECK(documents != Approx(whole).epsilon(1e-6));
}

}  // namespace
}  // namespace foreshard::test
