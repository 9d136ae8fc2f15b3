// Each NCCL communicator is an MPI communicator. The calls of one NCCL group are started together, as
// non-blocking MPI calls, when the stream reaches them, and are done when MPI says so. A stream whose
// neighbour is late waits; other streams run.
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <mpi.h>
#include <nccl.h>

#include "runtime/comm/mpi_types.hpp"
#include "tests/emulated_cuda/stream.hpp"

struct EmulatedNccl {
  MPI_Comm comm = MPI_COMM_NULL;
};

namespace {

using Post = std::function<void(MPI_Request*)>;

/// One group of calls, enqueued on a stream.
struct Group {
  cudaStream_t stream = nullptr;
  std::vector<Post> posts;
};

int depth = 0;
std::vector<Group> groups;  // of the open NCCL group

MPI_Datatype type_of(ncclDataType_t type) {
  switch (type) {
    case ncclFloat32: return foreshard::mpi_type(foreshard::DType::fp32);
    case ncclBfloat16: return foreshard::mpi_type(foreshard::DType::bf16);
    case ncclInt32: return foreshard::mpi_type(foreshard::DType::int32);
    case ncclUint8: break;
  }
  return foreshard::mpi_type(foreshard::DType::uint8);
}

MPI_Op op_of(ncclRedOp_t op, ncclDataType_t type) {
  return foreshard::reduction_of(op == ncclMax ? foreshard::Reduction::max : foreshard::Reduction::sum,
                                 type == ncclBfloat16 ? foreshard::DType::bf16 : foreshard::DType::fp32);
}

std::size_t bytes_of(std::size_t count, ncclDataType_t type) {
  int size = 0;
  MPI_Type_size(type_of(type), &size);
  return count * static_cast<std::size_t>(size);
}

int as_int(std::size_t count) { return static_cast<int>(count); }

ncclResult_t add(cudaStream_t stream, Post post) {
  for (Group& group : groups) {
    if (group.stream != stream) continue;
    group.posts.push_back(std::move(post));
    return ncclSuccess;
  }
  groups.push_back({stream, {std::move(post)}});
  return ncclSuccess;
}

/// A copy of `send`, made when the call starts and kept until it is done: MPI does not allow one buffer for
/// sending and receiving.
using Copy = std::shared_ptr<std::vector<unsigned char>>;
Copy new_copy() { return std::make_shared<std::vector<unsigned char>>(); }
const void* keep(const Copy& copy, const void* send, std::size_t bytes) {
  const auto* begin = static_cast<const unsigned char*>(send);
  copy->assign(begin, begin + bytes);
  return copy->data();
}

}  // namespace

const char* ncclGetErrorString(ncclResult_t /*result*/) { return "an emulated NCCL's error"; }
const char* ncclGetLastError(ncclComm_t /*comm*/) { return ""; }
ncclResult_t ncclGetVersion(int* version) {
  *version = 0;
  return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  id->number = rank;
  return ncclSuccess;
}

/// The id is the first member's rank in the run. The first member collects the ranks of the others and sends
/// them the list.
ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t* /*config*/) {
  constexpr int kTag = 7001;
  int self = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &self);
  std::vector<int> members(static_cast<std::size_t>(ranks));
  if (rank == 0) {
    members[0] = self;
    for (int i = 1; i < ranks; ++i) {
      int place[2];
      MPI_Recv(place, 2, MPI_INT, MPI_ANY_SOURCE, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      members[static_cast<std::size_t>(place[0])] = place[1];
    }
    for (int i = 1; i < ranks; ++i)
      MPI_Send(members.data(), ranks, MPI_INT, members[static_cast<std::size_t>(i)], kTag + 1,
               MPI_COMM_WORLD);
  } else {
    const int place[2] = {rank, self};
    MPI_Send(place, 2, MPI_INT, id.number, kTag, MPI_COMM_WORLD);
    MPI_Recv(members.data(), ranks, MPI_INT, id.number, kTag + 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
  MPI_Group world = MPI_GROUP_NULL;
  MPI_Group group = MPI_GROUP_NULL;
  MPI_Comm_group(MPI_COMM_WORLD, &world);
  MPI_Group_incl(world, ranks, members.data(), &group);
  *comm = new EmulatedNccl;
  MPI_Comm_create_group(MPI_COMM_WORLD, group, kTag + 2, &(*comm)->comm);
  MPI_Group_free(&group);
  MPI_Group_free(&world);
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  MPI_Comm_free(&comm->comm);
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t /*comm*/, ncclResult_t* state) {
  *state = ncclSuccess;
  return ncclSuccess;
}

ncclResult_t ncclGroupStart() {
  ++depth;
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
  if (--depth > 0) return ncclSuccess;
  for (Group& group : groups) {
    auto requests = std::make_shared<std::vector<MPI_Request>>();
    emulated_cuda::enqueue(group.stream, [requests, posts = std::move(group.posts)] {
      if (requests->empty()) {
        requests->resize(posts.size(), MPI_REQUEST_NULL);
        for (std::size_t i = 0; i < posts.size(); ++i) posts[i](&(*requests)[i]);
      }
      int is_done = 0;
      MPI_Testall(as_int(requests->size()), requests->data(), &is_done, MPI_STATUSES_IGNORE);
      return is_done != 0;
    });
  }
  groups.clear();
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  return add(stream, [=, copy = new_copy()](MPI_Request* request) {
    MPI_Iallreduce(keep(copy, send, bytes_of(count, type)), receive, as_int(count), type_of(type),
                   op_of(op, type), comm->comm, request);
  });
}
ncclResult_t ncclAllGather(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  return add(stream, [=, copy = new_copy()](MPI_Request* request) {
    MPI_Iallgather(keep(copy, send, bytes_of(count, type)), as_int(count), type_of(type), receive,
                   as_int(count), type_of(type), comm->comm, request);
  });
}
ncclResult_t ncclReduceScatter(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                               ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  return add(stream, [=, copy = new_copy()](MPI_Request* request) {
    int ranks = 0;
    MPI_Comm_size(comm->comm, &ranks);
    MPI_Ireduce_scatter_block(keep(copy, send, bytes_of(count * static_cast<std::size_t>(ranks), type)),
                              receive, as_int(count), type_of(type), op_of(op, type), comm->comm, request);
  });
}
ncclResult_t ncclBroadcast(const void* send, void* receive, std::size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  return add(stream, [=](MPI_Request* request) {
    int rank = 0;
    MPI_Comm_rank(comm->comm, &rank);
    if (rank == root && send != receive) std::memcpy(receive, send, bytes_of(count, type));
    MPI_Ibcast(receive, as_int(count), type_of(type), root, comm->comm, request);
  });
}
ncclResult_t ncclReduce(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                        ncclRedOp_t op, int root, ncclComm_t comm, cudaStream_t stream) {
  return add(stream, [=, copy = new_copy()](MPI_Request* request) {
    MPI_Ireduce(keep(copy, send, bytes_of(count, type)), receive, as_int(count), type_of(type),
                op_of(op, type), root, comm->comm, request);
  });
}
ncclResult_t ncclSend(const void* send, std::size_t count, ncclDataType_t type, int to, ncclComm_t comm,
                      cudaStream_t stream) {
  return add(stream, [=](MPI_Request* request) {
    MPI_Isend(send, as_int(count), type_of(type), to, 0, comm->comm, request);
  });
}
ncclResult_t ncclRecv(void* receive, std::size_t count, ncclDataType_t type, int from, ncclComm_t comm,
                      cudaStream_t stream) {
  return add(stream, [=](MPI_Request* request) {
    MPI_Irecv(receive, as_int(count), type_of(type), from, 0, comm->comm, request);
  });
}
