#include "runtime/comm/mpi_communicator.hpp"

#include <array>
#include <optional>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <mpi.h>

#include "runtime/comm/check.hpp"
#include "runtime/comm/loopback_communicator.hpp"
#include "runtime/comm/mpi_collectives.hpp"
#include "runtime/comm/mpi_transfers.hpp"

namespace foreshard {
namespace {

constexpr std::string_view kCollectiveHint =
    "all members must make the same calls with the same sizes in the same order";

}  // namespace

/// The groups that this rank is a member of.
class MpiCommunicator::Groups {
 public:
  Groups(const MpiSession& session, const DeviceMesh& mesh) : session_(session) {
    for (std::size_t i = 0; i < kGroupKindCount; ++i) {
      const std::vector<Rank> members = mesh.members(static_cast<GroupKind>(i), session.rank());
      const int color = members.empty() ? MPI_UNDEFINED : members.front().value();
      check_mpi(MPI_Comm_split(MPI_COMM_WORLD, color, session.rank().value(), &comms_[i]), "MPI_Comm_split",
                session);
      if (members.empty()) continue;
      groups_[i].emplace(comms_[i], [this](int result, std::string_view call) {
        check_mpi(result, call, session_, kCollectiveHint);
      });
    }
  }
  ~Groups() {
    for (MPI_Comm& comm : comms_)
      if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
  }
  Groups(const Groups&) = delete;
  Groups& operator=(const Groups&) = delete;

  [[nodiscard]] MPI_Comm comm(GroupKind kind) const { return comms_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] const std::optional<MpiCollectives>& find(GroupKind kind) const {
    return groups_[static_cast<std::size_t>(kind)];
  }
  MpiCollectives& at(GroupKind kind) {
    std::optional<MpiCollectives>& group = groups_[static_cast<std::size_t>(kind)];
    if (!group) {
      throw std::invalid_argument(
          fmt::format("rank {} belongs to no {} group", session_.rank().value(), to_string(kind)));
    }
    return *group;
  }

 private:
  const MpiSession& session_;
  std::array<MPI_Comm, kGroupKindCount> comms_{};
  std::array<std::optional<MpiCollectives>, kGroupKindCount> groups_;
};

/// The pipeline's transfers. They have an MPI communicator of their own, so that they cannot match the
/// pipeline's collectives.
class MpiCommunicator::Transfers {
 public:
  Transfers(const MpiSession& session, const DeviceMesh& mesh, MPI_Comm stages)
      : comm_(duplicate(session, stages)),
        transfers_(comm_, mesh.members(GroupKind::pp, session.rank()), session) {}
  ~Transfers() { MPI_Comm_free(&comm_); }
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  MpiTransfers* operator->() { return &transfers_; }

 private:
  static MPI_Comm duplicate(const MpiSession& session, MPI_Comm comm) {
    MPI_Comm copy = MPI_COMM_NULL;
    check_mpi(MPI_Comm_dup(comm, &copy), "MPI_Comm_dup", session);
    return copy;
  }
  MPI_Comm comm_;
  MpiTransfers transfers_;
};

MpiCommunicator::MpiCommunicator(const MpiSession& session, const DeviceMesh& mesh) : session_(session) {
  if (session.size() != mesh.devices()) {
    throw std::invalid_argument(
        fmt::format("a mesh of {} devices on {} ranks", mesh.devices(), session.size()));
  }
  groups_ = std::make_unique<Groups>(session, mesh);
  transfers_ = std::make_unique<Transfers>(session, mesh, groups_->comm(GroupKind::pp));
}

MpiCommunicator::~MpiCommunicator() = default;

std::string MpiCommunicator::name() const { return session_.library(); }
Rank MpiCommunicator::rank() const { return session_.rank(); }
std::int64_t MpiCommunicator::size() const { return session_.size(); }

std::int64_t MpiCommunicator::group_rank(GroupKind group) const { return groups_->at(group).rank(); }
std::int64_t MpiCommunicator::group_size(GroupKind group) const {
  const std::optional<MpiCollectives>& found = groups_->find(group);
  return found ? found->size() : 0;
}

void MpiCommunicator::run(const CollectiveCall& call) {
  MpiCollectives& group = groups_->at(call.group);
  if (group.size() == 1) {
    run_alone(call);
    return;
  }
  session_.note().enter_collective(wire_state(call.kind), call.group);
  group.run(call);
  session_.note().leave();
}

Ticket MpiCommunicator::start(const TransferCall& call) { return (*transfers_)->start(call); }
void MpiCommunicator::wait(Ticket ticket) { (*transfers_)->wait(ticket); }
void MpiCommunicator::progress() { (*transfers_)->progress(); }

void MpiCommunicator::barrier() {
  session_.note().enter_collective(WireState::barrier, GroupKind::world);
  check_mpi(MPI_Barrier(groups_->comm(GroupKind::world)), "MPI_Barrier", session_, kCollectiveHint);
  session_.note().leave();
}

double MpiCommunicator::sum_over_world(double value) { return reduce_over_world(value, Reduction::sum); }
double MpiCommunicator::max_over_world(double value) { return reduce_over_world(value, Reduction::max); }

double MpiCommunicator::reduce_over_world(double value, Reduction reduction) {
  session_.note().enter_collective(WireState::all_reduce, GroupKind::world);
  const MPI_Op op = reduction == Reduction::max ? MPI_MAX : MPI_SUM;
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, op, groups_->comm(GroupKind::world)),
            "MPI_Allreduce", session_, kCollectiveHint);
  session_.note().leave();
  return value;
}

}  // namespace foreshard
