// The main of tests that run under mpirun: one MPI session for all test cases. If a check fails on one rank,
// the whole run ends, so that no rank waits for ever.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using ListenerBase = Catch::EventListenerBase;
#else
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
using ListenerBase = Catch::TestEventListenerBase;
#endif

#include <cstdio>
#include <exception>

#include "runtime/comm/end_run.hpp"
#include "tests/support/mpi_test.hpp"
#include "tests/support/run_tests.hpp"

namespace foreshard::test {
namespace {

MpiSession* the_session = nullptr;

constexpr int kTestFailed = 1;

/// Prints the rank when a check fails, and ends the run when a test case has failed, because other ranks may
/// wait for it.
class RankListener : public ListenerBase {
 public:
  using ListenerBase::ListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo& info) override { name_ = info.name; }
#if __has_include(<catch2/catch_all.hpp>)
  void assertionEnded(const Catch::AssertionStats& stats) override { print_rank(stats); }
#else
  bool assertionEnded(const Catch::AssertionStats& stats) override {
    print_rank(stats);
    return true;
  }
#endif
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    if (stats.totals.assertions.failed == 0) return;
    std::fflush(stdout);
    end_run(*the_session, kTestFailed, "test case \"" + name_ + "\" failed on this rank");
  }

 private:
  static void print_rank(const Catch::AssertionStats& stats) {
    if (stats.assertionResult.isOk()) return;
    std::printf("\nrank %d of %d:\n", static_cast<int>(the_session->rank().value()),
                static_cast<int>(the_session->size()));
    std::fflush(stdout);
  }

  std::string name_;
};

CATCH_REGISTER_LISTENER(RankListener)

}  // namespace

MpiSession& mpi_session() { return *the_session; }

}  // namespace foreshard::test

int main(int argc, char** argv) {
  foreshard::MpiSession session(argc, argv);
  foreshard::test::the_session = &session;
  return foreshard::test::run_tests(argc, argv);
}
