#include "runtime/comm/status_exchange.hpp"

#include <chrono>
#include <optional>

#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {
namespace {

// A datagram may get lost, though hardly on one host: it is sent until it arrives.
constexpr std::chrono::milliseconds kReceiveTimeout{20};

TEST_CASE("ranks exchange status messages outside MPI") {
  const StatusExchange exchange(mpi_session());
  const std::int32_t n = static_cast<std::int32_t>(mpi_session().size());
  const std::int32_t me = mpi_session().rank().value();
  const Rank next((me + 1) % n);
  StatusMessage message{.unchanged_s = 1.5};
  message.activity.wire = WireState::receive;
  message.activity.partner = Rank(7);
  message.activity.entered[2] = 11;

  std::optional<StatusMessage> heard;
  while (!heard) {
    exchange.send(next, message);
    heard = exchange.receive(kReceiveTimeout);
  }
  // This rank has heard its neighbour and leaves the loop; the next rank may still wait for a message.
  for (int i = 0; i < 20; ++i) exchange.send(next, message);
  static_cast<void>(mpi_session().gather(0));
  CHECK(heard->from == Rank((me + n - 1) % n));
  CHECK(heard->kind == StatusMessage::Kind::status);
  CHECK(heard->unchanged_s == 1.5);
  CHECK(heard->activity.wire == WireState::receive);
  CHECK(heard->activity.partner == Rank(7));
  CHECK(heard->activity.entered[2] == 11);
}

TEST_CASE("only one rank may report why the run ends, once") {
  // Rank r asks in round r; only the first one is granted.
  std::uint64_t granted = 0;
  for (std::int64_t round = 0; round < mpi_session().size(); ++round) {
    if (round == mpi_session().rank().value() && mpi_session().may_report()) granted = 1;
    static_cast<void>(mpi_session().gather(0));
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t one : mpi_session().gather(granted)) sum += one;
  CHECK(sum == 1);
}

}  // namespace
}  // namespace foreshard::test
