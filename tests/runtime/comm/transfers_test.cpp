#include <cstdint>
#include <string>
#include <vector>

#include "runtime/comm/communication_error.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "tests/runtime/comm/test_buffers.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {
namespace {

/// All ranks as the stages of one pipeline.
MpiCommunicator pipeline() { return {mpi_session(), mesh_of({.pp = mpi_session().size()})}; }

bool alone() { return mpi_session().size() == 1; }
std::int64_t stages() { return mpi_session().size(); }
std::int64_t stage() { return mpi_session().rank().value(); }
std::int64_t stage_after(std::int64_t steps) { return (stage() + steps + stages()) % stages(); }

/// Whether `found` is message number `number` of rank `from`.
bool arrived_from(const WireVector& found, std::int64_t from, std::int64_t number) {
  for (std::int64_t i = 0; i < found.size(); ++i)
    if (found.at(i) != contribution(from, number, i)) return false;
  return true;
}

TEST_CASE("large messages in both directions at the same time arrive, whichever side begins") {
  if (alone()) return;
  MpiCommunicator communicator = pipeline();
  constexpr std::int64_t kElements = 2'000'000;
  WireVector forth(DType::fp32, kElements, [](std::int64_t i) { return contribution(stage(), 0, i); });
  WireVector back(DType::fp32, kElements, [](std::int64_t i) { return contribution(stage(), 1, i); });
  WireVector from_previous(DType::fp32, kElements);
  WireVector from_next(DType::fp32, kElements);
  // All ranks send first: if a send waited for its receiver, every rank would wait for ever.
  const Ticket sent_forth = communicator.start({.peer = Peer::next_stage, .buffer = forth.buffer()});
  const Ticket sent_back = communicator.start({.peer = Peer::previous_stage, .buffer = back.buffer()});
  communicator.progress();
  const Ticket came_back =
      communicator.start({.is_send = false, .peer = Peer::next_stage, .buffer = from_next.buffer()});
  const Ticket came_forth =
      communicator.start({.is_send = false, .peer = Peer::previous_stage, .buffer = from_previous.buffer()});
  communicator.wait(came_back);
  communicator.wait(sent_forth);
  communicator.wait(came_forth);
  communicator.wait(sent_back);
  CHECK(arrived_from(from_previous, stage_after(-1), 0));
  CHECK(arrived_from(from_next, stage_after(1), 1));
}

TEST_CASE("many transfers in flight match by tag, and in order within a tag") {
  if (alone()) return;
  MpiCommunicator communicator = pipeline();
  constexpr std::int64_t kMessages = 200;
  constexpr std::int64_t kTags = 2;
  std::vector<WireVector> out;
  std::vector<WireVector> in(kMessages, WireVector(DType::fp32, 33));
  std::vector<Ticket> tickets;
  for (std::int64_t m = 0; m < kMessages; ++m)
    out.emplace_back(DType::fp32, 33, [&](std::int64_t i) { return contribution(stage(), m, i); });
  for (std::int64_t m = 0; m < kMessages; ++m) {
    tickets.push_back(communicator.start(
        {.tag = static_cast<std::int32_t>(m % kTags), .buffer = out[static_cast<std::size_t>(m)].buffer()}));
  }
  // First all of tag 1, then all of tag 0.
  for (const std::int64_t tag : {1, 0}) {
    for (std::int64_t m = tag; m < kMessages; m += kTags) {
      tickets.push_back(communicator.start({.is_send = false,
                                            .peer = Peer::previous_stage,
                                            .tag = static_cast<std::int32_t>(tag),
                                            .buffer = in[static_cast<std::size_t>(m)].buffer()}));
      communicator.progress();
    }
  }
  for (const Ticket ticket : tickets) communicator.wait(ticket);
  std::int64_t wrong = 0;
  for (std::int64_t m = 0; m < kMessages; ++m)
    if (!arrived_from(in[static_cast<std::size_t>(m)], stage_after(-1), m)) ++wrong;
  CHECK(wrong == 0);
}

TEST_CASE("tickets are used again, so that their numbers stay below the number in flight") {
  if (alone()) return;
  MpiCommunicator communicator = pipeline();
  WireVector out(DType::fp32, 1);
  WireVector in(DType::fp32, 1);
  for (int round = 0; round < 2000; ++round) {
    const Ticket sent = communicator.start({.buffer = out.buffer()});
    const Ticket received =
        communicator.start({.is_send = false, .peer = Peer::previous_stage, .buffer = in.buffer()});
    CHECK(sent.value() < 2);
    CHECK(received.value() < 2);
    communicator.wait(received);
    communicator.wait(sent);
  }
}

TEST_CASE("a message of unexpected size is an error with both sizes") {
  if (alone()) return;
  MpiCommunicator communicator = pipeline();
  WireVector out(DType::fp32, 3);
  WireVector in(DType::fp32, 4);
  const Ticket sent = communicator.start({.buffer = out.buffer()});
  const Ticket received =
      communicator.start({.is_send = false, .peer = Peer::previous_stage, .buffer = in.buffer()});
  CHECK_THROWS_WITH(communicator.wait(received), ContainsSubstring("3 elements came from rank") &&
                                                     ContainsSubstring("where 4 were expected"));
  communicator.wait(sent);
}

TEST_CASE("an MPI error has MPI's text, rank, host, operation and a hint") {
  if (alone()) return;
  MpiCommunicator communicator = pipeline();
  WireVector out(DType::fp32, 5);
  WireVector in(DType::fp32, 4);
  mpi_session().note().begin("recv", LayerId(2), MicroBatch(1));
  const Ticket sent = communicator.start({.buffer = out.buffer()});
  const Ticket received =
      communicator.start({.is_send = false, .peer = Peer::previous_stage, .buffer = in.buffer()});
  CHECK_THROWS_WITH(
      communicator.wait(received),
      ContainsSubstring("rank " + std::to_string(stage()) + " on host " + mpi_session().host()) &&
          ContainsSubstring("in a transfer from rank " + std::to_string(stage_after(-1))) &&
          ContainsSubstring("for \"recv\" of layer 2, micro-batch 1: MPI_Wait failed: MPI_ERR_TRUNCATE") &&
          ContainsSubstring("hint: both sides of a transfer must agree on its size and order"));
  communicator.wait(sent);
  mpi_session().note().idle();
}

TEST_CASE("too many transfers in flight are an error") {
  if (alone()) return;
  MpiCommunicator communicator = pipeline();
  WireVector out(DType::fp32, 1);
  WireVector in(DType::fp32, 1);
  std::vector<Ticket> tickets;
  for (int i = 0; i < 512; ++i) {
    tickets.push_back(communicator.start({.buffer = out.buffer()}));
    tickets.push_back(
        communicator.start({.is_send = false, .peer = Peer::previous_stage, .buffer = in.buffer()}));
  }
  CHECK_THROWS_WITH(communicator.start({.buffer = out.buffer()}),
                    ContainsSubstring("more than 1024 transfers in flight"));
  for (const Ticket ticket : tickets) communicator.wait(ticket);
}

}  // namespace
}  // namespace foreshard::test
