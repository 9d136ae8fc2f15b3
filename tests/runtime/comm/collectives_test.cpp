#include <algorithm>
#include <cstdint>
#include <vector>

#include "runtime/comm/communication_error.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "tests/runtime/comm/test_buffers.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

// Every collective on the tp, dp and pp groups of a mesh, compared with results that the test computes from
// the contributions of the group's members.

namespace foreshard::test {
namespace {

struct Case {
  DType wire = DType::fp32;
  GroupKind group = GroupKind::tp;
  bool in_place = false;
  std::vector<std::int64_t> sizes;  ///< whole elements of each piece
};

/// The meshes that are tested with this number of ranks.
std::vector<DeviceMesh> meshes() {
  switch (mpi_session().size()) {
    case 2: return {mesh_of({.tp = 2}), mesh_of({.dp = 2}), mesh_of({.pp = 2})};
    case 4:
      return {mesh_of({.tp = 2, .dp = 2}), mesh_of({.tp = 2, .pp = 2}), mesh_of({.dp = 2, .pp = 2}),
              mesh_of({.tp = 4})};
    default: return {mesh_of({.tp = mpi_session().size()})};
  }
}

/// Sizes: zero, one, odd (short or empty shares), even, and too large to be packed.
std::vector<std::vector<std::int64_t>> piece_sizes() {
  return {{0}, {1}, {2}, {3}, {5}, {1001}, {4096}, {70'001}, {7, 1, 0, 64}, {1, 1}, {5, 66'003, 8}};
}

/// Calls check(communicator, mesh, case) for all meshes, communicators, groups and sizes, in place and not.
template <class Check>
void for_all_cases(Check check) {
  for (const DeviceMesh& mesh : meshes()) {
    for (const DType wire : {DType::fp32, DType::fp64}) {
      MpiCommunicator communicator(mpi_session(), mesh);
      for (const GroupKind group : {GroupKind::tp, GroupKind::dp, GroupKind::pp, GroupKind::world}) {
        for (const bool in_place : {false, true}) {
          for (const std::vector<std::int64_t>& sizes : piece_sizes()) {
            INFO("group " << to_string(group) << " of " << communicator.group_size(group) << ", in place "
                          << in_place << ", bytes per element " << size_in_bytes(wire) << ", pieces "
                          << sizes.size() << ", first " << sizes.front());
            check(communicator, mesh.members(group, mpi_session().rank()),
                  Case{wire, group, in_place, sizes});
          }
        }
      }
    }
  }
}

/// One buffer per piece, filled by value(piece, i).
template <class Value>
std::vector<WireVector> filled(const Case& c, const std::vector<std::int64_t>& sizes, Value value) {
  std::vector<WireVector> buffers;
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    buffers.emplace_back(c.wire, sizes[p],
                         [&](std::int64_t i) { return value(static_cast<std::int64_t>(p), i); });
  }
  return buffers;
}

std::vector<Piece> pieces_of(std::vector<WireVector>& send, std::vector<WireVector>& receive) {
  std::vector<Piece> pieces;
  for (std::size_t p = 0; p < receive.size(); ++p)
    pieces.push_back({.send = send[p].buffer(), .receive = receive[p].buffer()});
  return pieces;
}

/// The first element that is not value(piece, i), as (piece, i); or (-1, -1).
template <class Value>
std::pair<std::int64_t, std::int64_t> first_difference(const std::vector<WireVector>& found, Value value) {
  for (std::size_t p = 0; p < found.size(); ++p)
    for (std::int64_t i = 0; i < found[p].size(); ++i)
      if (found[p].at(i) != value(static_cast<std::int64_t>(p), i)) return {static_cast<std::int64_t>(p), i};
  return {-1, -1};
}
const std::pair<std::int64_t, std::int64_t> kNone{-1, -1};

double sum_over(const std::vector<Rank>& members, std::int64_t piece, std::int64_t i) {
  double sum = 0;
  for (const Rank member : members) sum += contribution(member.value(), piece, i);
  return sum;
}

std::int64_t own_place(const std::vector<Rank>& members) {
  return std::find(members.begin(), members.end(), mpi_session().rank()) - members.begin();
}

TEST_CASE("all-reduce computes sums and maxima over every group") {
  for_all_cases([](MpiCommunicator& communicator, const std::vector<Rank>& members, const Case& c) {
    const std::int64_t me = mpi_session().rank().value();
    for (const Reduction reduction : {Reduction::sum, Reduction::max}) {
      const auto own = [&](std::int64_t p, std::int64_t i) { return contribution(me, p, i); };
      std::vector<WireVector> send = filled(c, c.sizes, own);
      std::vector<WireVector> receive = filled(c, c.sizes, own);
      const std::vector<Piece> pieces = pieces_of(c.in_place ? receive : send, receive);
      communicator.run({.kind = CollectiveKind::all_reduce,
                        .group = c.group,
                        .reduction = reduction,
                        .in_place = c.in_place,
                        .pieces = pieces});
      // contribution() grows with the rank: the maximum is the last member's.
      CHECK(first_difference(receive, [&](std::int64_t p, std::int64_t i) {
              return reduction == Reduction::sum ? sum_over(members, p, i)
                                                 : contribution(members.back().value(), p, i);
            }) == kNone);
    }
  });
}

TEST_CASE("all-gather gathers the shares in group order") {
  for_all_cases([](MpiCommunicator& communicator, const std::vector<Rank>& members, const Case& c) {
    const auto n = static_cast<std::int64_t>(members.size());
    const std::int64_t me = own_place(members);
    // Member m has the elements from m·ceil(N/n) on of a tensor whose elements are contribution(0, p, i).
    std::vector<std::int64_t> shares;
    for (const std::int64_t size : c.sizes) shares.push_back(share_of(size, n, me).elements);
    std::vector<WireVector> send = filled(c, shares, [&](std::int64_t p, std::int64_t i) {
      return contribution(0, p, share_of(c.sizes[static_cast<std::size_t>(p)], n, me).first + i);
    });
    std::vector<WireVector> receive = filled(c, c.sizes, [&](std::int64_t p, std::int64_t i) {
      const Share share = share_of(c.sizes[static_cast<std::size_t>(p)], n, me);
      const bool own = i >= share.first && i < share.first + share.elements;
      return c.in_place && own ? contribution(0, p, i) : -1.0;
    });
    const std::vector<Piece> pieces = pieces_of(c.in_place ? receive : send, receive);
    communicator.run(
        {.kind = CollectiveKind::all_gather, .group = c.group, .in_place = c.in_place, .pieces = pieces});
    CHECK(first_difference(receive, [&](std::int64_t p, std::int64_t i) { return contribution(0, p, i); }) ==
          kNone);
  });
}

TEST_CASE("reduce-scatter writes or adds each member's share of the sum") {
  for_all_cases([](MpiCommunicator& communicator, const std::vector<Rank>& members, const Case& c) {
    const auto n = static_cast<std::int64_t>(members.size());
    const std::int64_t me = own_place(members);
    const std::int64_t rank = mpi_session().rank().value();
    std::vector<std::int64_t> shares;
    for (const std::int64_t size : c.sizes) shares.push_back(share_of(size, n, me).elements);
    for (const bool accumulate : {false, true}) {
      if (accumulate && c.in_place) continue;
      std::vector<WireVector> send =
          filled(c, c.sizes, [&](std::int64_t p, std::int64_t i) { return contribution(rank, p, i); });
      std::vector<WireVector> receive = filled(c, shares, [](std::int64_t, std::int64_t) { return 5.0; });
      const std::vector<Piece> pieces = c.in_place ? pieces_of(send, send) : pieces_of(send, receive);
      communicator.run({.kind = CollectiveKind::reduce_scatter,
                        .group = c.group,
                        .accumulate = accumulate,
                        .in_place = c.in_place,
                        .pieces = pieces});
      for (std::size_t p = 0; p < c.sizes.size(); ++p) {
        const Share share = share_of(c.sizes[p], n, me);
        std::int64_t wrong = 0;
        for (std::int64_t i = 0; i < share.elements; ++i) {
          const double found = c.in_place ? send[p].at(share.first + i) : receive[p].at(i);
          const double expected =
              sum_over(members, static_cast<std::int64_t>(p), share.first + i) + (accumulate ? 5.0 : 0.0);
          if (found != expected) ++wrong;
        }
        CHECK(wrong == 0);
      }
    }
  });
}

TEST_CASE("all-to-all sends part j of member i to part i of member j") {
  for_all_cases([](MpiCommunicator& communicator, const std::vector<Rank>& members, Case c) {
    const auto n = static_cast<std::int64_t>(members.size());
    const std::int64_t me = own_place(members);
    for (std::int64_t& size : c.sizes) size = size / n * n;
    std::vector<WireVector> send = filled(c, c.sizes, [&](std::int64_t p, std::int64_t i) {
      return contribution(mpi_session().rank().value(), p, i);
    });
    std::vector<WireVector> receive = filled(c, c.sizes, [](std::int64_t, std::int64_t) { return -1.0; });
    const std::vector<Piece> pieces = c.in_place ? pieces_of(send, send) : pieces_of(send, receive);
    communicator.run(
        {.kind = CollectiveKind::all_to_all, .group = c.group, .in_place = c.in_place, .pieces = pieces});
    CHECK(first_difference(c.in_place ? send : receive, [&](std::int64_t p, std::int64_t i) {
            const std::int64_t part = c.sizes[static_cast<std::size_t>(p)] / n;
            return contribution(members[static_cast<std::size_t>(i / part)].value(), p, me * part + i % part);
          }) == kNone);
  });
}

TEST_CASE("sums and maxima over the world") {
  MpiCommunicator communicator(mpi_session(), mesh_of({.dp = mpi_session().size()}));
  const auto n = static_cast<double>(communicator.size());
  communicator.barrier();
  // 1 + 2 + … + n
  CHECK(communicator.sum_over_world(communicator.rank().value() + 1) == n * (n + 1) / 2);
  CHECK(communicator.max_over_world(communicator.rank().value() + 1) == n);
}

TEST_CASE("more elements than MPI can count are refused before memory is touched") {
  if (mpi_session().size() == 1) return;
  MpiCommunicator communicator(mpi_session(), mesh_of({.tp = mpi_session().size()}));
  const Buffer huge{.data = nullptr, .elements = std::int64_t{1} << 31};
  const std::vector<Piece> pieces{{.send = huge, .receive = huge}};
  CHECK_THROWS_WITH(
      communicator.run({.kind = CollectiveKind::all_reduce, .in_place = true, .pieces = pieces}),
      ContainsSubstring("2147483648 elements is beyond what one MPI call carries (2147483647)"));
  CHECK_THROWS_AS(communicator.run({.kind = CollectiveKind::all_reduce, .in_place = true, .pieces = pieces}),
                  CommunicationError);
}

TEST_CASE("sizes that do not match are refused before anything is sent") {
  MpiCommunicator communicator(mpi_session(), mesh_of({.tp = mpi_session().size()}));
  WireVector four(DType::fp32, 4);
  WireVector five(DType::fp32, 5);
  const std::vector<Piece> pieces{{.send = four.buffer(), .receive = five.buffer()}};
  CHECK_THROWS_WITH(communicator.run({.kind = CollectiveKind::all_reduce, .pieces = pieces}),
                    "all-reduce of tp: receive has 5 elements where 4 are needed");
  CHECK_THROWS_WITH(
      communicator.run({.kind = CollectiveKind::all_reduce, .accumulate = true, .pieces = pieces}),
      "all-reduce of tp: only a reduce-scatter that is not in place accumulates");
}

}  // namespace
}  // namespace foreshard::test
