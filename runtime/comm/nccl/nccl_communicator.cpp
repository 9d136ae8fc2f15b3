#include "runtime/comm/nccl/nccl_communicator.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <mpi.h>

#include "runtime/comm/check.hpp"
#include "runtime/comm/collective_shape.hpp"
#include "runtime/comm/communication_error.hpp"
#include "runtime/comm/nccl/nccl_check.hpp"
#include "runtime/cuda/cuda_check.hpp"
#include "runtime/cuda/cuda_clock.hpp"

namespace foreshard {
namespace {

/// The same limit as MpiTransfers has.
constexpr std::size_t kMostInFlight = 1024;

ncclDataType_t nccl_type(DType type) {
  switch (type) {
    case DType::fp32: return ncclFloat32;
    case DType::bf16: return ncclBfloat16;
    case DType::int32: return ncclInt32;
    case DType::uint8: return ncclUint8;
    default: throw std::invalid_argument("NCCL carries bf16, fp32 and integers here");
  }
}

ncclRedOp_t nccl_op(Reduction reduction) { return reduction == Reduction::max ? ncclMax : ncclSum; }

std::size_t count_of(const Buffer& buffer) { return static_cast<std::size_t>(buffer.elements); }

/// Edges for transfers of one tag: to next, from previous, to previous, from next.
constexpr std::size_t kEdgesOfTag = 4;

/// Index into `edges_`. NCCL has no tags: transfers that do not come in one order must not share an edge. Activations
/// have tag 0, gradients tag 1.
std::size_t edge_of(bool sends, Peer peer, std::int32_t tag) {
  const std::size_t first = tag == 0 ? 0 : kEdgesOfTag;
  if (peer == Peer::next_stage) return first + (sends ? 0 : 3);
  return first + (sends ? 2 : 1);
}

bool is_send(std::size_t edge) { return edge % 2 == 0; }

}  // namespace

NcclCommunicator::NcclCommunicator(const MpiSession& session, const DeviceMesh& mesh, CudaDevice& device)
    : session_(session), device_(device), host_(session, mesh) {
  if (session.size() != mesh.devices())
    throw std::invalid_argument(
        fmt::format("a mesh of {} devices on {} ranks", mesh.devices(), session.size()));
  connect_groups(mesh);
  connect_stages(mesh);
  for (std::size_t i = 0; i < kMostInFlight; ++i) events_.emplace_back();
  for (std::size_t i = kMostInFlight; i > 0; --i) free_.emplace_back(i - 1);
}

NcclCommunicator::~NcclCommunicator() = default;

/// Kinds with the same members share one NcclGroup. The mesh is regular: if two kinds have the same members
/// on one rank, they have so on every rank that is in such groups, so all ranks make the same choice.
void NcclCommunicator::connect_groups(const DeviceMesh& mesh) {
  std::array<std::vector<Rank>, kGroupKindCount> members;
  for (std::size_t i = 0; i < kGroupKindCount; ++i) {
    const auto kind = static_cast<GroupKind>(i);
    members[i] = mesh.members(kind, session_.rank());
    const auto self = std::find(members[i].begin(), members[i].end(), session_.rank());
    if (self != members[i].end())
      places_[i] = {self - members[i].begin(), static_cast<std::int64_t>(members[i].size())};
    for (std::size_t other = 0; other < i && !groups_[i]; ++other) {
      if (!members[i].empty() && members[other] == members[i]) groups_[i] = groups_[other];
    }
    if (!groups_[i])
      groups_[i] =
          std::make_shared<NcclGroup>(session_, members[i], fmt::format("{} group", to_string(kind)));
  }
}

/// Connects every pair of neighbouring stages, including the last with the first, for each direction and tag. All
/// ranks take part in the creation of all pairs, in the same order.
void NcclCommunicator::connect_stages(const DeviceMesh& mesh) {
  const std::vector<Rank> stages = mesh.members(GroupKind::pp, session_.rank());
  const std::size_t count = stages.size();
  if (count < 2) return;
  for (std::size_t from = 0; from < count; ++from) {
    const std::vector<Rank> pair{stages[from], stages[(from + 1) % count]};
    const bool is_first = pair[0] == session_.rank();
    const bool is_second = pair[1] == session_.rank();
    const auto connect = [&](const char* name, std::size_t of_first, std::size_t of_second) {
      NcclGroup group(session_, is_first || is_second ? pair : std::vector<Rank>{}, name);
      if (!is_first && !is_second) return;
      std::optional<NcclGroup>& edge = edges_[is_first ? of_first : of_second];
      edge.emplace(std::move(group));
      connect_edge(*edge, is_send(is_first ? of_first : of_second));
    };
    for (const std::int32_t tag : {0, 1}) {
      connect("transfers to the next stage", edge_of(true, Peer::next_stage, tag),
              edge_of(false, Peer::previous_stage, tag));
      connect("transfers to the previous stage", edge_of(false, Peer::next_stage, tag),
              edge_of(true, Peer::previous_stage, tag));
    }
  }
}

std::string NcclCommunicator::name() const { return "NCCL " + nccl_version(); }

/// NCCL connects two ranks during their first transfer, in which both must take part. A dummy transfer does
/// this now: in the step, two ranks might begin with different pairs and wait for each other for ever.
void NcclCommunicator::connect_edge(NcclGroup& edge, bool sends) {
  const Buffer number = staging(DType::fp32, 1);
  transfer(edge, sends, number);
  check_cuda(cudaStreamSynchronize(edge.stream()), "cudaStreamSynchronize");
}

void NcclCommunicator::transfer(NcclGroup& edge, bool sends, const Buffer& buffer) {
  const int other = 1 - edge.rank();
  const char* const call = sends ? "ncclSend" : "ncclRecv";
  edge.begin();
  const ncclResult_t result = sends ? ncclSend(buffer.data, count_of(buffer), nccl_type(buffer.type), other,
                                               edge.comm(), edge.stream())
                                    : ncclRecv(buffer.data, count_of(buffer), nccl_type(buffer.type), other,
                                               edge.comm(), edge.stream());
  check_nccl(result, call, session_, edge.comm());
  edge.end(call);
}

NcclGroup& NcclCommunicator::group_of(GroupKind kind) {
  if (place(kind).size == 0)
    throw std::invalid_argument(
        fmt::format("rank {} belongs to no {} group", session_.rank().value(), to_string(kind)));
  return *groups_[static_cast<std::size_t>(kind)];
}

void NcclCommunicator::run(const CollectiveCall& call) {
  NcclGroup& group = group_of(call.group);
  check_collective(call, group.size(), group.rank());
  if (call.bookkeeping) return host_.run(call);
  session_.note().enter_collective(wire_state(call.kind), call.group);
  if (call.kind == CollectiveKind::reduce_scatter && call.accumulate) {
    add_pieces(call, group);
  } else {
    const Ticket ticket = begin_after_kernels(group);
    enqueue(call, group);
    record_end(ticket, group);
    wait(ticket);
  }
  session_.note().leave();
}

Ticket NcclCommunicator::run_asynchronously(const CollectiveCall& call, const ClockMarks& marks) {
  NcclGroup& group = group_of(call.group);
  check_collective(call, group.size(), group.rank());
  if (call.bookkeeping || call.accumulate)
    throw std::invalid_argument("this collective cannot run asynchronously");
  session_.note().enter_collective(wire_state(call.kind), call.group);
  auto& clock = dynamic_cast<CudaClock&>(marks.clock);
  const Ticket ticket = begin_after_kernels(group);
  clock.mark(marks.begin, group.stream());
  enqueue(call, group);
  clock.mark(marks.end, group.stream());
  record_end(ticket, group);
  session_.note().leave();
  return ticket;
}

void NcclCommunicator::enqueue(const CollectiveCall& call, NcclGroup& group) {
  group.begin();
  for (const Piece& piece : call.pieces) {
    call.is_uneven() ? run_uneven(call, piece, group) : run_piece(call, piece, group);
  }
  group.end("ncclGroupEnd");
}

/// Reduce-scatters that accumulate: each piece arrives in staging memory and is then added by a kernel.
void NcclCommunicator::add_pieces(const CollectiveCall& call, NcclGroup& group) {
  for (const Piece& piece : call.pieces) {
    const Buffer arrived = staging(piece.receive.type, piece.receive.elements);
    const Ticket ticket = begin_after_kernels(group);
    group.begin();
    scatter(call, piece, group, arrived);
    group.end("ncclGroupEnd");
    record_end(ticket, group);
    wait(ticket);
    device_.run(PointwiseCall{.kind = PointwiseKind::accumulate,
                              .elements = piece.receive.elements,
                              .a = arrived,
                              .y = piece.receive});
  }
}

void NcclCommunicator::run_piece(const CollectiveCall& call, const Piece& piece, NcclGroup& group) {
  const Buffer from = call.in_place ? piece.receive : piece.send;
  switch (call.kind) {
    case CollectiveKind::all_reduce:
      check_nccl(ncclAllReduce(from.data, piece.receive.data, count_of(piece.receive), nccl_type(from.type),
                               nccl_op(call.reduction), group.comm(), group.stream()),
                 "ncclAllReduce", session_, group.comm());
      return;
    case CollectiveKind::all_gather: return gather(call, piece, group);
    case CollectiveKind::reduce_scatter: {
      const Share own = share_of(from.elements, group.size(), group.rank());
      return scatter(call, piece, group, call.in_place ? from.part(own.first, own.elements) : piece.receive);
    }
    case CollectiveKind::all_to_all:
      if (call.in_place)
        throw std::invalid_argument("all-to-all in place: NCCL needs memory to receive into");
      return exchange(piece, group);
  }
}

/// If the shares are not equal, each member broadcasts its share, all in one NCCL call.
void NcclCommunicator::gather(const CollectiveCall& call, const Piece& piece, NcclGroup& group) {
  const Buffer& whole = piece.receive;
  const Share own = share_of(whole.elements, group.size(), group.rank());
  const std::byte* from = call.in_place ? whole.part(own.first, own.elements).data : piece.send.data;
  if (whole.elements % group.size() == 0) {
    check_nccl(ncclAllGather(from, whole.data, static_cast<std::size_t>(own.elements), nccl_type(whole.type),
                             group.comm(), group.stream()),
               "ncclAllGather", session_, group.comm());
    return;
  }
  for (int member = 0; member < group.size(); ++member) {
    const Share share = share_of(whole.elements, group.size(), member);
    broadcast(from, whole.part(share.first, share.elements), member, group);
  }
}

/// `from` is read only on the rank that is `member`.
void NcclCommunicator::broadcast(const std::byte* from, const Buffer& to, int member, NcclGroup& group) {
  if (to.empty()) return;
  check_nccl(ncclBroadcast(member == group.rank() ? from : to.data, to.data, count_of(to), nccl_type(to.type),
                           member, group.comm(), group.stream()),
             "ncclBroadcast", session_, group.comm());
}

/// `to` is written only on the rank that is `member`.
void NcclCommunicator::reduce(const Buffer& part, std::byte* to, Reduction reduction, int member,
                              NcclGroup& group) {
  if (part.empty()) return;
  check_nccl(ncclReduce(part.data, to, count_of(part), nccl_type(part.type), nccl_op(reduction), member,
                        group.comm(), group.stream()),
             "ncclReduce", session_, group.comm());
}

/// If the shares are not equal, each member gets its share by a reduction of its own, all in one NCCL call.
void NcclCommunicator::scatter(const CollectiveCall& call, const Piece& piece, NcclGroup& group, Buffer to) {
  const Buffer& whole = call.in_place ? piece.receive : piece.send;
  if (whole.elements % group.size() == 0) {
    check_nccl(ncclReduceScatter(whole.data, to.data, count_of(to), nccl_type(whole.type),
                                 nccl_op(call.reduction), group.comm(), group.stream()),
               "ncclReduceScatter", session_, group.comm());
    return;
  }
  for (int member = 0; member < group.size(); ++member) {
    const Share share = share_of(whole.elements, group.size(), member);
    reduce(whole.part(share.first, share.elements), to.data, call.reduction, member, group);
  }
}

void NcclCommunicator::exchange(const Piece& piece, NcclGroup& group) {
  const std::int64_t part = piece.send.elements / group.size();
  for (int member = 0; member < group.size(); ++member) {
    send_and_receive(piece.send.part(member * part, part), piece.receive.part(member * part, part), member,
                     group);
  }
}

void NcclCommunicator::send_and_receive(const Buffer& out, const Buffer& in, int member, NcclGroup& group) {
  if (!out.empty()) {
    check_nccl(ncclSend(out.data, count_of(out), nccl_type(out.type), member, group.comm(), group.stream()),
               "ncclSend", session_, group.comm());
  }
  if (!in.empty()) {
    check_nccl(ncclRecv(in.data, count_of(in), nccl_type(in.type), member, group.comm(), group.stream()),
               "ncclRecv", session_, group.comm());
  }
}

/// The members' shares lie one after the other; the call says how long each is.
void NcclCommunicator::run_uneven(const CollectiveCall& call, const Piece& piece, NcclGroup& group) {
  std::int64_t sent = 0;
  std::int64_t received = 0;
  for (int member = 0; member < group.size(); ++member) {
    const auto at = static_cast<std::size_t>(member);
    const std::int64_t to_send = call.send_elements.empty() ? 0 : call.send_elements[at];
    const std::int64_t to_receive = call.receive_elements.empty() ? 0 : call.receive_elements[at];
    const Buffer out = piece.send.part(sent, to_send);
    const Buffer in = piece.receive.part(received, to_receive);
    sent += to_send;
    received += to_receive;
    switch (call.kind) {
      case CollectiveKind::all_to_all: send_and_receive(out, in, member, group); break;
      case CollectiveKind::all_gather: broadcast(piece.send.data, in, member, group); break;
      case CollectiveKind::reduce_scatter:
        reduce(out, piece.receive.data, call.reduction, member, group);
        break;
      case CollectiveKind::all_reduce: break;  // has no shares
    }
  }
}

Buffer NcclCommunicator::staging(DType type, std::int64_t elements) {
  const std::int64_t bytes = bytes_of(type, elements).value();
  if (staging_bytes_ < bytes) {
    device_.finish();  // kernels may still read the old memory
    staging_ = device_.allocate(bytes);
    staging_bytes_ = bytes;
  }
  return {staging_->data(), elements, type};
}

Ticket NcclCommunicator::start(const TransferCall& call) {
  NcclGroup& edge = *edges_[edge_of(call.is_send, call.peer, call.tag)];
  const Ticket ticket = begin_after_kernels(edge);
  transfer(edge, call.is_send, call.buffer);
  record_end(ticket, edge);
  return ticket;
}

/// The group's next call begins when the kernels enqueued so far are done, because they may still use its
/// buffers.
Ticket NcclCommunicator::begin_after_kernels(const NcclGroup& group) {
  if (free_.empty())
    throw CommunicationError(
        fmt::format("{}: more than {} transfers in flight", place_words(session_), kMostInFlight));
  const Ticket ticket = free_.back();
  free_.pop_back();
  CudaEvent& begin = events_[ticket.at()].begin;
  begin.record(device_.stream());
  begin.block(group.stream());
  return ticket;
}

void NcclCommunicator::record_end(Ticket ticket, const NcclGroup& group) {
  events_[ticket.at()].end.record(group.stream());
}

void NcclCommunicator::wait(Ticket ticket) {
  events_[ticket.at()].end.block(device_.stream());
  free_.push_back(ticket);
}

void NcclCommunicator::finish() {
  const auto all_done = [&] {
    bool done = true;
    for (const std::shared_ptr<NcclGroup>& group : groups_) done = group->is_done() && done;
    for (const std::optional<NcclGroup>& edge : edges_) done = (!edge || edge->is_done()) && done;
    return done;
  };
  while (!all_done()) std::this_thread::yield();
}

void NcclCommunicator::barrier() {
  finish();
  device_.finish();
  session_.note().enter_collective(WireState::barrier, GroupKind::world);
  check_mpi(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier", session_);
  session_.note().leave();
}

double NcclCommunicator::sum_over_world(double value) { return reduce_over_world(value, false); }
double NcclCommunicator::max_over_world(double value) { return reduce_over_world(value, true); }

double NcclCommunicator::reduce_over_world(double value, bool is_max) {
  session_.note().enter_collective(WireState::all_reduce, GroupKind::world);
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, is_max ? MPI_MAX : MPI_SUM, MPI_COMM_WORLD),
            "MPI_Allreduce", session_);
  session_.note().leave();
  return value;
}

}  // namespace foreshard
