#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nccl.h>

#include "planner/units/strong_index.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/cuda/cuda_event.hpp"

namespace foreshard {

/// One NCCL communicator over some ranks of the run, brought up over MPI, and the stream of its calls.
class NcclGroup {
 public:
  /// The members together, in the order of `members`; the same number of groups is brought up by all ranks of
  /// the run, those that are not members with an empty list.
  /// @param name  for messages: "tp group"
  NcclGroup(const MpiSession& session, const std::vector<Rank>& members, std::string name);
  ~NcclGroup();
  NcclGroup(NcclGroup&& other) noexcept;
  NcclGroup& operator=(NcclGroup&&) = delete;

  [[nodiscard]] ncclComm_t comm() const { return comm_; }
  [[nodiscard]] cudaStream_t stream() const { return stream_.get(); }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  /// Begins a call of several parts: ncclGroupStart.
  void begin() const;
  /// Hands it in; returns when NCCL has taken it.
  void end(std::string_view call);
  /// True when all that was handed in is done. @throws CommunicationError where NCCL has found an error since
  [[nodiscard]] bool is_done() const;
  /// Gives up what is under way.
  void abort();

 private:
  void settle(std::string_view call) const;

  const MpiSession* session_;
  std::string name_;
  std::string last_;  // operation that was handed in last
  ncclComm_t comm_ = nullptr;
  CudaStream stream_;
  int rank_ = 0;
  int size_ = 0;
  CudaEvent handed_in_;  // what was handed in last
};

}  // namespace foreshard
