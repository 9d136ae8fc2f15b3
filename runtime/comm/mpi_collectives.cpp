#include "runtime/comm/mpi_collectives.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "runtime/comm/collective_shape.hpp"
#include "runtime/comm/communication_error.hpp"
#include "runtime/comm/mpi_types.hpp"

namespace foreshard {
namespace {

/// Several pieces are packed into one message up to this payload. Below it a message costs mostly its
/// latency; above it the copies cost more than the messages that they save (measured by bench_communication).
constexpr std::int64_t kPackedBytes = std::int64_t{256} << 10;

/// The buffer of a piece that has the shares of all members.
Buffer whole_of(const CollectiveCall& call, const Piece& piece) {
  const bool sends_whole =
      call.kind == CollectiveKind::reduce_scatter || call.kind == CollectiveKind::all_to_all;
  return sends_whole && !call.in_place ? piece.send : piece.receive;
}

/// MPI counts elements in an int. @throws CommunicationError
int int_count(std::int64_t elements) {
  if (elements > std::numeric_limits<int>::max()) {
    throw CommunicationError(fmt::format(
        "a message of {} elements is beyond what one MPI call carries (2147483647); cut the tensor "
        "over more ranks",
        elements));
  }
  return static_cast<int>(elements);
}

/// Places the members' shares one after the other.
void place_shares(std::span<const std::int64_t> elements, std::vector<int>& counts,
                  std::vector<int>& displacements) {
  std::int64_t at = 0;
  for (std::size_t member = 0; member < elements.size(); ++member) {
    displacements[member] = int_count(at);
    counts[member] = int_count(elements[member]);
    at += elements[member];
  }
  int_count(at);
}

}  // namespace

Buffer Staging::take(DType type, std::int64_t elements) {
  const auto bytes = static_cast<std::size_t>(elements * size_in_bytes(type));
  if (memory_.size() < bytes) memory_.resize(bytes);
  return {memory_.data(), elements, type};
}

MpiCollectives::MpiCollectives(MPI_Comm comm, Check check) : comm_(comm), check_(std::move(check)) {
  check_(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check_(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
  counts_.resize(static_cast<std::size_t>(size_));
  displacements_.resize(static_cast<std::size_t>(size_));
  receive_counts_.resize(static_cast<std::size_t>(size_));
  receive_displacements_.resize(static_cast<std::size_t>(size_));
}

void MpiCollectives::run(const CollectiveCall& call) {
  check_collective(call, size_, rank_);
  if (call.is_uneven()) return run_uneven(call, call.pieces.front());
  if (call.pieces.size() > 1 && payload_bytes(call) <= kPackedBytes) {
    run_packed(call);
  } else {
    for (const Piece& piece : call.pieces) run_piece(call, piece);
  }
}

void MpiCollectives::run_piece(const CollectiveCall& call, const Piece& piece) {
  const Buffer whole = whole_of(call, piece);
  split_into_shares(whole.elements);
  const Share own = share_of(whole.elements, size_, rank_);
  switch (call.kind) {
    case CollectiveKind::all_reduce:
      if (!call.in_place) copy_elements(piece.receive, piece.send);
      reduce_all(piece.receive, call.reduction);
      return;
    case CollectiveKind::all_gather:
      if (!call.in_place) copy_elements(part_of(whole, own), piece.send);
      gather_shares(whole);
      return;
    case CollectiveKind::reduce_scatter:
      if (call.in_place || call.accumulate) {
        const Buffer sum = result_.take(whole.type, own.elements);
        reduce_shares(whole, sum, call.reduction);
        if (call.accumulate) {
          add_elements(piece.receive, sum);
        } else {
          copy_elements(part_of(whole, own), sum);
        }
      } else {
        reduce_shares(whole, piece.receive, call.reduction);
      }
      return;
    case CollectiveKind::all_to_all:
      if (call.in_place) {
        const Buffer sent = packed_.take(whole.type, whole.elements);
        copy_elements(sent, whole);
        exchange_parts(sent, whole);
      } else {
        exchange_parts(whole, piece.receive);
      }
      return;
  }
}

void MpiCollectives::run_uneven(const CollectiveCall& call, const Piece& piece) {
  MPI_Datatype type = mpi_type(piece.receive.type);
  place_shares(call.send_elements, counts_, displacements_);
  place_shares(call.receive_elements, receive_counts_, receive_displacements_);
  switch (call.kind) {
    case CollectiveKind::all_to_all:
      check_(MPI_Alltoallv(piece.send.data, counts_.data(), displacements_.data(), type, piece.receive.data,
                           receive_counts_.data(), receive_displacements_.data(), type, comm_),
             "MPI_Alltoallv");
      return;
    case CollectiveKind::all_gather:
      check_(MPI_Allgatherv(piece.send.data, receive_counts_[static_cast<std::size_t>(rank_)], type,
                            piece.receive.data, receive_counts_.data(), receive_displacements_.data(), type,
                            comm_),
             "MPI_Allgatherv");
      return;
    case CollectiveKind::reduce_scatter: reduce_shares(piece.send, piece.receive, call.reduction); return;
    case CollectiveKind::all_reduce: return;  // has no shares
  }
}

// A packed message has, for each member in turn, that member's share of every piece. Example: 2 members,
// pieces a of 3 elements and b of 2. The shares of a have 2 and 1 elements, those of b 1 and 1: the message
// is a0 a1 b0 | a2 b1. Calls for_share(member, piece, share within the piece, place within the message), and
// sets counts_ and displacements_ to each member's part of the message.
template <class ForShare>
void MpiCollectives::lay_out(const CollectiveCall& call, ForShare for_share) {
  std::int64_t at = 0;
  for (int member = 0; member < size_; ++member) {
    const std::int64_t begin = at;
    for (const Piece& piece : call.pieces) {
      const Share share = share_of(whole_of(call, piece).elements, size_, member);
      for_share(member, piece, share, Share{.first = at, .elements = share.elements});
      at += share.elements;
    }
    displacements_[static_cast<std::size_t>(member)] = int_count(begin);
    counts_[static_cast<std::size_t>(member)] = int_count(at - begin);
  }
}

void MpiCollectives::run_packed(const CollectiveCall& call) {
  const Buffer packed = packed_.take(call.pieces.front().receive.type, payload_elements(call));
  const bool gathers = call.kind == CollectiveKind::all_gather;
  const auto pack = [&](int member, const Piece& piece, Share share, Share place) {
    if (gathers && member != rank_) return;
    const bool sends_share = gathers && !call.in_place;
    const Buffer source =
        call.kind == CollectiveKind::all_reduce && !call.in_place ? piece.send : whole_of(call, piece);
    copy_elements(part_of(packed, place), sends_share ? piece.send : part_of(source, share));
  };
  lay_out(call, pack);

  switch (call.kind) {
    case CollectiveKind::all_reduce: reduce_all(packed, call.reduction); break;
    case CollectiveKind::all_gather: gather_shares(packed); break;
    case CollectiveKind::reduce_scatter: {
      const Buffer sum = result_.take(packed.type, counts_[static_cast<std::size_t>(rank_)]);
      reduce_shares(packed, sum, call.reduction);
      std::int64_t at = 0;
      for (const Piece& piece : call.pieces) {
        const Share own = share_of(whole_of(call, piece).elements, size_, rank_);
        const Buffer arrived = part_of(sum, {.first = at, .elements = own.elements});
        const Buffer receive = call.in_place ? part_of(piece.receive, own) : piece.receive;
        if (call.accumulate) {
          add_elements(receive, arrived);
        } else {
          copy_elements(receive, arrived);
        }
        at += own.elements;
      }
      return;
    }
    case CollectiveKind::all_to_all: {
      const Buffer arrived = result_.take(packed.type, packed.elements);
      exchange_parts(packed, arrived);
      lay_out(call, [&](int, const Piece& piece, Share share, Share place) {
        copy_elements(part_of(piece.receive, share), part_of(arrived, place));
      });
      return;
    }
  }
  lay_out(call, [&](int, const Piece& piece, Share share, Share place) {
    copy_elements(part_of(piece.receive, share), part_of(packed, place));
  });
}

void MpiCollectives::split_into_shares(std::int64_t elements) {
  for (int member = 0; member < size_; ++member) {
    const Share share = share_of(elements, size_, member);
    displacements_[static_cast<std::size_t>(member)] = int_count(share.first);
    counts_[static_cast<std::size_t>(member)] = int_count(share.elements);
  }
}

void MpiCollectives::reduce_all(Buffer buffer, Reduction reduction) {
  check_(MPI_Allreduce(MPI_IN_PLACE, buffer.data, int_count(buffer.elements), mpi_type(buffer.type),
                       reduction_of(reduction, buffer.type), comm_),
         "MPI_Allreduce");
}

void MpiCollectives::gather_shares(Buffer all) {
  MPI_Datatype type = mpi_type(all.type);
  if (counts_.front() == counts_.back()) {
    check_(MPI_Allgather(MPI_IN_PLACE, 0, type, all.data, counts_.front(), type, comm_), "MPI_Allgather");
  } else {
    check_(
        MPI_Allgatherv(MPI_IN_PLACE, 0, type, all.data, counts_.data(), displacements_.data(), type, comm_),
        "MPI_Allgatherv");
  }
}

// Open MPI 4.1's MPI_Reduce_scatter_block, which needs equal shares, takes several times as long from 256 KiB
// on.
void MpiCollectives::reduce_shares(Buffer all, Buffer own, Reduction reduction) {
  check_(MPI_Reduce_scatter(all.data, own.data, counts_.data(), mpi_type(all.type),
                            reduction_of(reduction, all.type), comm_),
         "MPI_Reduce_scatter");
}

void MpiCollectives::exchange_parts(Buffer send, Buffer receive) {
  MPI_Datatype type = mpi_type(send.type);
  check_(MPI_Alltoall(send.data, counts_.front(), type, receive.data, counts_.front(), type, comm_),
         "MPI_Alltoall");
}

}  // namespace foreshard
