#include "runtime/comm/mpi_session.hpp"

#include <vector>

#include "runtime/comm/mpi_communicator.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {
namespace {

TEST_CASE("a session knows its ranks, hosts and cores") {
  const MpiSession& session = mpi_session();
  CHECK(session.hosts().size() == static_cast<std::size_t>(session.size()));
  CHECK(session.host() == session.hosts()[session.rank().at()]);
  CHECK_FALSE(session.library().empty());
  // Tests run on one host.
  CHECK(session.local_ranks() == session.size());
  CHECK(session.local_rank() == session.rank().value());
  CHECK(session.own_cores() >= 1);
  CHECK(session.host_cores() >= session.own_cores());
  CHECK(session.threads_per_rank() >= 1);
  CHECK(session.oversubscribed() == (session.size() > session.host_cores()));
  CHECK_THAT(session.binding(), ContainsSubstring(" on host " + session.host() + ": cores "));
}

TEST_CASE("values of all ranks are gathered in rank order") {
  const std::vector<std::uint64_t> all =
      mpi_session().gather(100 + static_cast<std::uint64_t>(mpi_session().rank().value()));
  for (std::size_t rank = 0; rank < all.size(); ++rank) CHECK(all[rank] == 100 + rank);
}

TEST_CASE("a mesh whose size is not the number of ranks is refused") {
  const std::int64_t devices = mpi_session().size() + 1;
  CHECK_THROWS_WITH(MpiCommunicator(mpi_session(), mesh_of({.tp = devices})),
                    "a mesh of " + std::to_string(devices) + " devices on " +
                        std::to_string(mpi_session().size()) + " ranks");
}

TEST_CASE("inner pipeline stages are in no tied group") {
  const std::int64_t n = mpi_session().size();
  MpiCommunicator communicator(mpi_session(), mesh_of({.pp = n}));
  const std::int64_t stage = mpi_session().rank().value();
  const bool middle = stage != 0 && stage != n - 1;
  CHECK(communicator.group_size(GroupKind::tied) == (middle ? 0 : std::min<std::int64_t>(n, 2)));
  if (middle) CHECK_THROWS_WITH(communicator.group_rank(GroupKind::tied), ContainsSubstring("no tied group"));
}

}  // namespace
}  // namespace foreshard::test
