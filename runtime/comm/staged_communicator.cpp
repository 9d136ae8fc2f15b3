#include "runtime/comm/staged_communicator.hpp"

#include <utility>

#include "planner/units/count.hpp"

namespace foreshard {
namespace {

/// Bytes; staged buffers begin at multiples of this.
constexpr std::int64_t kStagingAlignment = 64;

std::int64_t staging_bytes(const CollectiveCall& call) {
  std::int64_t bytes = 0;
  for (const Piece& piece : call.pieces) {
    bytes += round_up(piece.receive.bytes(), kStagingAlignment);
    if (!call.in_place) bytes += round_up(piece.send.bytes(), kStagingAlignment);
  }
  return bytes;
}

}  // namespace

StagedCommunicator::StagedCommunicator(std::unique_ptr<Communicator> inner, Device& device)
    : inner_(std::move(inner)), device_(device) {}

Buffer StagedCommunicator::stage(Buffer buffer) {
  const Buffer staged{memory_.data() + used_, buffer.elements, buffer.type};
  used_ += static_cast<std::size_t>(round_up(buffer.bytes(), kStagingAlignment));
  return staged;
}

void StagedCommunicator::run(const CollectiveCall& call) {
  if (call.bookkeeping) return inner_->run(call);
  const auto bytes = static_cast<std::size_t>(staging_bytes(call));
  if (memory_.size() < bytes) memory_.resize(bytes);
  used_ = 0;
  pieces_.clear();
  for (const Piece& piece : call.pieces) {
    const Buffer receive = stage(piece.receive);
    const Buffer send = call.in_place ? receive : stage(piece.send);
    if (call.in_place || call.accumulate) device_.download(piece.receive, receive.data);
    if (!call.in_place) device_.download(piece.send, send.data);
    pieces_.push_back({send, receive});
  }
  CollectiveCall staged = call;
  staged.pieces = pieces_;
  inner_->run(staged);
  for (std::size_t i = 0; i < pieces_.size(); ++i)
    device_.upload(call.pieces[i].receive, pieces_[i].receive.data);
}

Ticket StagedCommunicator::start(const TransferCall& call) {
  std::vector<std::byte> memory(static_cast<std::size_t>(call.buffer.bytes()));
  if (call.is_send) device_.download(call.buffer, memory.data());
  TransferCall staged = call;
  staged.buffer.data = memory.data();
  const Ticket ticket = inner_->start(staged);
  if (transfers_.size() <= ticket.at()) transfers_.resize(ticket.at() + 1);
  transfers_[ticket.at()] = {call.is_send, call.buffer, std::move(memory)};
  return ticket;
}

void StagedCommunicator::wait(Ticket ticket) {
  inner_->wait(ticket);
  const StagedTransfer& transfer = transfers_[ticket.at()];
  if (!transfer.is_send) device_.upload(transfer.buffer, transfer.memory.data());
}

void StagedCommunicator::barrier() {
  device_.finish();
  inner_->barrier();
}

}  // namespace foreshard
