#include "runtime/comm/counting_communicator.hpp"

#include <vector>

#include "runtime/comm/mpi_communicator.hpp"
#include "tests/runtime/comm/test_buffers.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {
namespace {

TEST_CASE("the payload is the unsplit buffer, and all pieces are one call") {
  const std::int64_t n = mpi_session().size();
  for (const DType wire : {DType::fp32, DType::fp64}) {
    MpiCommunicator inner(mpi_session(), mesh_of({.tp = n}));
    CountingCommunicator communicator(inner);
    const std::int64_t me = communicator.group_rank(GroupKind::tp);
    WireVector whole(wire, 10);
    WireVector three(wire, 3);
    WireVector share(wire, share_of(10, n, me).elements);
    const std::vector<Piece> in_place{{.send = {}, .receive = whole.buffer()},
                                      {.send = {}, .receive = three.buffer()}};
    const std::vector<Piece> gather{{.send = share.buffer(), .receive = whole.buffer()}};
    const std::vector<Piece> scatter{{.send = whole.buffer(), .receive = share.buffer()}};
    communicator.run({.kind = CollectiveKind::all_reduce, .in_place = true, .pieces = in_place});
    communicator.run({.kind = CollectiveKind::all_gather, .pieces = gather});
    communicator.run({.kind = CollectiveKind::reduce_scatter, .pieces = scatter});
    communicator.run({.kind = CollectiveKind::all_reduce,
                      .group = GroupKind::world,
                      .in_place = true,
                      .pieces = in_place});
    communicator.barrier();
    CHECK(communicator.sum_over_world(1) == static_cast<double>(n));
    // 10 + 3 elements, then 10 of the gather's result and 10 of the scatter's input.
    const std::int64_t each = size_in_bytes(wire);
    CHECK(communicator.traffic().of(GroupKind::tp) ==
          Traffic{.calls = 3, .payload = Bytes(each * (13 + 10 + 10))});
    CHECK(communicator.traffic().of(GroupKind::world) == Traffic{.calls = 1, .payload = Bytes(each * 13)});
    CHECK(communicator.traffic().of(GroupKind::dp) == Traffic{});
    communicator.reset();
    CHECK(communicator.traffic().of(GroupKind::tp) == Traffic{});
  }
}

TEST_CASE("transfers are counted by direction") {
  if (mpi_session().size() == 1) return;
  MpiCommunicator inner(mpi_session(), mesh_of({.pp = mpi_session().size()}));
  CountingCommunicator communicator(inner);
  WireVector out(DType::fp64, 5);
  WireVector forth(DType::fp64, 5);
  WireVector back(DType::fp64, 2);
  WireVector in(DType::fp64, 2);
  const std::vector<Ticket> tickets{
      communicator.start({.peer = Peer::next_stage, .buffer = out.buffer()}),
      communicator.start({.peer = Peer::previous_stage, .buffer = back.buffer()}),
      communicator.start({.is_send = false, .peer = Peer::previous_stage, .buffer = forth.buffer()}),
      communicator.start({.is_send = false, .peer = Peer::next_stage, .buffer = in.buffer()})};
  for (const Ticket ticket : tickets) communicator.wait(ticket);
  CHECK(communicator.traffic().sent_forward == Traffic{.calls = 1, .payload = Bytes(40)});
  CHECK(communicator.traffic().sent_backward == Traffic{.calls = 1, .payload = Bytes(16)});
  CHECK(communicator.traffic().received == Traffic{.calls = 2, .payload = Bytes(56)});
}

}  // namespace
}  // namespace foreshard::test
