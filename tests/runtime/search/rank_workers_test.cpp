#include "runtime/search/rank_workers.hpp"

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "planner/report/output_format.hpp"
#include "planner/report/search/search_record.hpp"
#include "planner/search/best/plan_search.hpp"
#include "planner/search/best/site.hpp"
#include "runtime/search/serve_search.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"
#include "tests/support/test_jobs.hpp"

namespace foreshard::test {
namespace {

JobSpec small_search_job() {
  JobSpec job;
  job.model = llama_shaped(2, 512, 1024, 8, 4, 2000);
  job.cluster = round_cluster(1, 8);
  job.parallelism.dp = 8;
  job.training.sequence_length = 256;
  job.training.global_batch = 8;
  job.training.micro_batch = 1;
  return job;
}

/// The result of a search on all ranks, on rank 0; the exit code of the others is checked here.
std::optional<SearchResult> search_on_ranks(const SearchRequest& request) {
  const MpiSession& session = mpi_session();
  constexpr int kExitCode = 42;
  if (session.rank() != Rank(0)) {
    CHECK(serve_search(session, request, 1) == kExitCode);
    return std::nullopt;
  }
  RankWorkers workers(session, request,
                      std::vector<std::size_t>(static_cast<std::size_t>(session.size()), 1));
  SearchResult result = search_plans(request, workers);
  workers.end(kExitCode);
  return result;
}

std::string json_of(const SearchResult& result) {
  return report::write({.table = {}, .record = [&] { return report::search_record(result); }},
                       report::OutputFormat::json);
}

void check_same_on_ranks(const SearchRequest& request) {
  const std::optional<SearchResult> found = search_on_ranks(request);
  if (found) CHECK(json_of(*found) == json_of(search_plans(request)));
}

TEST_CASE("a search on ranks finds what a search in one process finds, to the byte") {
  using enum SearchAxis;
  SearchRequest request;
  request.sites = {small_search_job()};
  request.free = {tp, pp, micro_batch, zero};
  request.top = 5;
  check_same_on_ranks(request);
  // Too little memory for most plans, so that the order of estimates depends on what was found before.
  request.sites.front().cluster.accelerator.memory_capacity = Bytes(std::int64_t{700} << 20);
  request.objective = SearchObjective::memory_headroom;
  check_same_on_ranks(request);
}

TEST_CASE("several sites are searched one after another") {
  using enum SearchAxis;
  const JobSpec job = small_search_job();
  SearchRequest request;
  request.sites = {*job_on(job, job.cluster, 4, false), job, *job_on(job, job.cluster, 16, false)};
  request.free = {tp, zero};
  request.top = 3;
  check_same_on_ranks(request);
}

TEST_CASE("a search on ranks that is stopped ends with what it has") {
  using enum SearchAxis;
  const std::atomic<bool> stop{true};
  SearchRequest request;
  request.sites = {small_search_job()};
  request.free = {tp, pp, zero};
  request.stop = &stop;
  const std::optional<SearchResult> found = search_on_ranks(request);
  if (found) CHECK_FALSE(found->sites.front().complete);
}

TEST_CASE("a task that fails ends the search with its error") {
  // There is no second site.
  SearchRequest request;
  request.sites = {small_search_job()};
  TaskThreads threads(request, 2);
  threads.add({.kind = SearchTask::Kind::estimate, .site = 1});
  std::optional<DoneTask> done;
  CHECK_THROWS([&] {
    while (!done) done = threads.take(std::chrono::milliseconds(10));
  }());
}

}  // namespace
}  // namespace foreshard::test
