#include <algorithm>
#include <vector>

#include "runtime/comm/counting_communicator.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "tests/runtime/comm/test_buffers.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

// Collectives whose shares differ from member to member, on all ranks as one tensor-parallel group.

namespace foreshard::test {
namespace {

/// The number of elements that rank `from` sends to rank `to`; rank 0 sends nothing to itself.
std::int64_t elements(std::int64_t from, std::int64_t to) { return 3 * from + to; }

struct Ranks {
  Ranks() : inner(mpi_session(), mesh_of({.tp = mpi_session().size()})), communicator(inner) {
    own = mpi_session().rank().value();
    size = mpi_session().size();
  }
  MpiCommunicator inner;
  CountingCommunicator communicator;
  std::int64_t own = 0;
  std::int64_t size = 1;
};

TEST_CASE("an uneven all-to-all sends the stated number of elements to each member") {
  if (mpi_session().size() == 1) return;
  Ranks r;
  std::vector<std::int64_t> sends;
  std::vector<std::int64_t> receives;
  std::int64_t sent = 0;
  std::int64_t received = 0;
  for (std::int64_t member = 0; member < r.size; ++member) {
    sends.push_back(elements(r.own, member));
    receives.push_back(elements(member, r.own));
    sent += sends.back();
    received += receives.back();
  }
  // Both buffers have five elements more than needed.
  const WireVector out(DType::fp64, sent + 5, [&](std::int64_t i) { return contribution(r.own, 0, i); });
  WireVector in(DType::fp64, received + 5, [](std::int64_t) { return -1.0; });
  const std::vector<Piece> pieces{{out.buffer(), in.buffer()}};
  CollectiveCall call{.kind = CollectiveKind::all_to_all, .group = GroupKind::tp};
  call.pieces = pieces;
  call.send_elements = sends;
  call.receive_elements = receives;
  r.communicator.run(call);

  std::int64_t at = 0;
  for (std::int64_t member = 0; member < r.size; ++member) {
    // In the sender's buffer, this rank's share is after the shares of lower ranks.
    std::int64_t there = 0;
    for (std::int64_t before = 0; before < r.own; ++before) there += elements(member, before);
    for (std::int64_t i = 0; i < elements(member, r.own); ++i, ++at)
      CHECK(in.at(at) == contribution(member, 0, there + i));
  }
  for (; at < in.size(); ++at) CHECK(in.at(at) == -1.0);
  CHECK(r.communicator.traffic().of(GroupKind::tp) ==
        Traffic{.calls = 1, .payload = Bytes(8 * std::max(sent, received))});
}

TEST_CASE("uneven shares are gathered, and scattered as sums") {
  if (mpi_session().size() == 1) return;
  Ranks r;
  std::vector<std::int64_t> shares;
  std::int64_t all = 0;
  std::int64_t first = 0;
  for (std::int64_t member = 0; member < r.size; ++member) {
    if (member == r.own) first = all;
    shares.push_back(2 * member + 1);
    all += shares.back();
  }
  const std::int64_t share = 2 * r.own + 1;
  const WireVector part(DType::fp64, share, [&](std::int64_t i) { return contribution(r.own, 0, i); });
  WireVector whole(DType::fp64, all);
  const std::vector<Piece> gathered{{part.buffer(), whole.buffer()}};
  CollectiveCall call{.kind = CollectiveKind::all_gather, .group = GroupKind::tp};
  call.pieces = gathered;
  call.receive_elements = shares;
  r.communicator.run(call);
  std::int64_t at = 0;
  for (std::int64_t member = 0; member < r.size; ++member)
    for (std::int64_t i = 0; i < shares[static_cast<std::size_t>(member)]; ++i, ++at)
      CHECK(whole.at(at) == contribution(member, 0, i));

  // All ranks have the same tensor now: the sum of a share is n times the share.
  WireVector sum(DType::fp64, share);
  const std::vector<Piece> scattered{{whole.buffer(), sum.buffer()}};
  call.kind = CollectiveKind::reduce_scatter;
  call.pieces = scattered;
  call.receive_elements = {};
  call.send_elements = shares;
  r.communicator.run(call);
  for (std::int64_t i = 0; i < share; ++i)
    CHECK(sum.at(i) == static_cast<double>(r.size) * whole.at(first + i));
}

TEST_CASE("shares larger than a buffer, or for a wrong number of members, are refused") {
  if (mpi_session().size() == 1) return;
  Ranks r;
  const WireVector out(DType::fp32, 4);
  const WireVector in(DType::fp32, 4);
  const std::vector<Piece> pieces{{out.buffer(), in.buffer()}};
  CollectiveCall call{.kind = CollectiveKind::all_to_all, .group = GroupKind::tp};
  call.pieces = pieces;
  const std::vector<std::int64_t> too_many(static_cast<std::size_t>(r.size), 4);
  call.send_elements = call.receive_elements = too_many;
  CHECK_THROWS_WITH(r.communicator.run(call), ContainsSubstring("elements are sent from room for 4"));
  const std::vector<std::int64_t> one{1};
  call.send_elements = call.receive_elements = one;
  CHECK_THROWS_WITH(r.communicator.run(call), ContainsSubstring("1 shares are given for"));
}

}  // namespace
}  // namespace foreshard::test
