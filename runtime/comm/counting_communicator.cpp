#include "runtime/comm/counting_communicator.hpp"

#include "runtime/comm/collective_shape.hpp"

namespace foreshard {
namespace {

void count(Traffic& traffic, Bytes payload) {
  ++traffic.calls;
  traffic.payload += payload;
}

}  // namespace

void CountingCommunicator::run(const CollectiveCall& call) {
  inner_.run(call);
  count_collective(call);
}

Ticket CountingCommunicator::run_asynchronously(const CollectiveCall& call, const ClockMarks& marks) {
  const Ticket ticket = inner_.run_asynchronously(call, marks);
  count_collective(call);
  return ticket;
}

void CountingCommunicator::count_collective(const CollectiveCall& call) {
  Traffic& traffic =
      call.bookkeeping ? traffic_.bookkeeping : traffic_.collectives[static_cast<std::size_t>(call.group)];
  count(traffic, Bytes(payload_bytes(call)));
}

Ticket CountingCommunicator::start(const TransferCall& call) {
  const Ticket ticket = inner_.start(call);
  Traffic& sent = call.peer == Peer::next_stage ? traffic_.sent_forward : traffic_.sent_backward;
  count(call.is_send ? sent : traffic_.received, Bytes(call.buffer.bytes()));
  return ticket;
}

}  // namespace foreshard
