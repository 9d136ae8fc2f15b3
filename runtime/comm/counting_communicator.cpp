#include "runtime/comm/counting_communicator.hpp"

#include "runtime/comm/collective_shape.hpp"

namespace foreshard {

void CountingCommunicator::run(const CollectiveCall& call) {
  inner_.run(call);
  count(traffic_.collectives[static_cast<std::size_t>(call.group)], payload_elements(call));
}

Ticket CountingCommunicator::start(const TransferCall& call) {
  const Ticket ticket = inner_.start(call);
  Traffic& sent = call.peer == Peer::next_stage ? traffic_.sent_forward : traffic_.sent_backward;
  count(call.is_send ? sent : traffic_.received, call.buffer.elements);
  return ticket;
}

void CountingCommunicator::count(Traffic& traffic, std::int64_t elements) const {
  ++traffic.calls;
  traffic.payload += Bytes(elements * nominal_bytes_);
}

}  // namespace foreshard
