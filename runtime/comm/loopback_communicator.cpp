#include "runtime/comm/loopback_communicator.hpp"

#include <stdexcept>

#include "runtime/comm/collective_shape.hpp"

namespace foreshard {

void run_alone(const CollectiveCall& call) {
  check_collective(call, 1, 0);
  if (call.in_place) return;
  for (const Piece& piece : call.pieces) {
    if (call.accumulate) {
      add_elements(piece.receive, piece.send);
    } else {
      copy_elements(piece.receive, piece.send);
    }
  }
}

Ticket LoopbackCommunicator::start(const TransferCall&) {
  throw std::logic_error("a transfer between stages where there is one rank");
}

}  // namespace foreshard
