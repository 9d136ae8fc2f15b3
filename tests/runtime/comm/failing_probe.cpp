#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

// A check that fails on one rank while the others wait for that rank. ends_test.sh tests what the harness
// does.

namespace foreshard::test {
namespace {

TEST_CASE("fails_on_one_rank") {
  REQUIRE(mpi_session().rank() != Rank(1));
  static_cast<void>(mpi_session().gather(0));
}

}  // namespace
}  // namespace foreshard::test
