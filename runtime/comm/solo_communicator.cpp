#include "runtime/comm/solo_communicator.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include "runtime/comm/collective_shape.hpp"

namespace foreshard {

SoloCommunicator::SoloCommunicator(const DeviceMesh& mesh, Rank rank, Device& device)
    : device_(device), rank_(rank) {
  for (std::size_t i = 0; i < kGroupKindCount; ++i) {
    const std::vector<Rank> members = mesh.members(static_cast<GroupKind>(i), rank);
    const auto self = std::find(members.begin(), members.end(), rank);
    if (self != members.end())
      places_[i] = {self - members.begin(), static_cast<std::int64_t>(members.size())};
  }
}

void SoloCommunicator::run(const CollectiveCall& call) {
  const Place& own = place(call.group);
  check_collective(call, own.size, own.rank);
  if (call.bookkeeping) return repeat(call, own);
  for (const Piece& piece : call.pieces) {
    if (call.is_uneven()) {
      const std::int64_t elements = std::min(piece.send.elements, piece.receive.elements);
      copy(piece.receive.part(0, elements), piece.send.part(0, elements));
      continue;
    }
    switch (call.kind) {
      case CollectiveKind::all_reduce:
      case CollectiveKind::all_to_all:
        if (!call.in_place) copy(piece.receive, piece.send);
        break;
      case CollectiveKind::all_gather: {
        const auto share = [&](std::int64_t member) {
          const Share part = share_of(piece.receive.elements, own.size, member);
          return piece.receive.part(part.first, part.elements);
        };
        const Buffer mine = call.in_place ? share(own.rank) : piece.send;
        for (std::int64_t member = 0; member < own.size; ++member) {
          const Buffer to = share(member);
          const std::int64_t elements = std::min(to.elements, mine.elements);
          if (!(call.in_place && member == own.rank)) copy(to.part(0, elements), mine.part(0, elements));
        }
        break;
      }
      case CollectiveKind::reduce_scatter: {
        if (call.in_place) break;
        const Share part = share_of(piece.send.elements, own.size, own.rank);
        const Buffer mine = piece.send.part(part.first, part.elements);
        call.accumulate ? add(piece.receive, mine) : copy(piece.receive, mine);
        break;
      }
    }
  }
}

/// Fills in the other members' parts as if they had sent the same as this rank.
void SoloCommunicator::repeat(const CollectiveCall& call, const Place& own) {
  for (const Piece& piece : call.pieces) {
    const std::int64_t elements = piece.receive.elements / own.size;
    const Buffer mine = piece.receive.part(own.rank * elements, elements);
    for (std::int64_t member = 0; member < own.size; ++member)
      copy_elements(piece.receive.part(member * elements, elements), mine);
  }
}

Ticket SoloCommunicator::start(const TransferCall& call) {
  if (!call.is_send) copy(call.buffer, filler(call.buffer.type, call.buffer.elements));
  return Ticket(0);
}

void SoloCommunicator::copy(Buffer to, Buffer from) {
  if (to.empty()) return;
  device_.run(PointwiseCall{.kind = PointwiseKind::cast, .elements = to.elements, .a = from, .y = to});
}

void SoloCommunicator::add(Buffer to, Buffer from) {
  if (to.empty()) return;
  device_.run(PointwiseCall{.kind = PointwiseKind::accumulate, .elements = to.elements, .a = from, .y = to});
}

Buffer SoloCommunicator::filler(DType type, std::int64_t elements) {
  Filler& filler = fillers_[type];
  if (filler.elements < elements) {
    filler = {device_.allocate(bytes_of(type, elements).value()), elements};
    std::mt19937 draw(1);  // a fixed seed: the same numbers on every run
    std::vector<double> numbers(static_cast<std::size_t>(elements));
    for (double& number : numbers) number = static_cast<double>(draw()) / 2147483648.0 - 1.0;
    device_.write({filler.memory->data(), elements, type}, numbers.data());
  }
  return {filler.memory->data(), elements, type};
}

}  // namespace foreshard
