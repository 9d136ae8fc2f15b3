#include "runtime/kernels/cpu/thread_pool.hpp"

#include <atomic>
#include <vector>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test::thread_pool {

TEST_CASE("a pool calls its work once on every thread and waits for all") {
  for (const int threads : {1, 2, 5}) {
    cpu::ThreadPool pool(threads);
    REQUIRE(pool.threads() == threads);
    std::vector<std::atomic<int>> calls(static_cast<std::size_t>(threads));
    constexpr int kJobs = 200;
    for (int job = 0; job < kJobs; ++job) {
      pool.run([&](int thread) { calls[static_cast<std::size_t>(thread)]++; });
      // All calls have returned: no thread may have run too few or too many.
      for (const std::atomic<int>& count : calls) REQUIRE(count == job + 1);
    }
  }
}

TEST_CASE("a range is split into whole units, without gap or overlap") {
  for (const std::int64_t total : {0, 1, 63, 64, 65, 1000}) {
    for (const std::int64_t parts : {1, 2, 3, 7}) {
      std::int64_t at = 0;
      for (std::int64_t part = 0; part < parts; ++part) {
        const cpu::Range range = cpu::part_of(total, 64, part, parts);
        CHECK(range.begin == at);
        CHECK((range.begin % 64 == 0 || range.begin == total));
        at = range.end;
      }
      CHECK(at == total);
    }
  }
}

}  // namespace foreshard::test::thread_pool
