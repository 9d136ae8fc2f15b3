#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include <mpi.h>

#include "runtime/comm/communicator.hpp"

namespace foreshard {

/// Scratch memory for copies. It grows when a call needs more, and never shrinks.
class Staging {
 public:
  /// Uninitialised memory for `elements` numbers, valid until the next call.
  Buffer take(DType type, std::int64_t elements);

 private:
  std::vector<std::byte> memory_;
};

/// The collectives of one group on its MPI communicator. Only for the sources of this folder.
class MpiCollectives {
 public:
  /// Checks that an MPI call succeeded: (result, call).
  using Check = std::function<void(int, std::string_view)>;

  /// @param comm  made for this group only; the caller frees it
  MpiCollectives(MPI_Comm comm, Check check);

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  /// All members call it together, with pieces of the same sizes. Several small pieces are packed into one
  /// message.
  /// @throws std::invalid_argument if sizes do not match
  void run(const CollectiveCall& call);

 private:
  void run_piece(const CollectiveCall& call, const Piece& piece);
  void run_packed(const CollectiveCall& call);
  void run_uneven(const CollectiveCall& call, const Piece& piece);
  template <class ForShare>
  void lay_out(const CollectiveCall& call, ForShare for_share);
  void split_into_shares(std::int64_t elements);

  // One MPI call each. Those with shares use counts_ and displacements_.
  void reduce_all(Buffer buffer, Reduction reduction);
  void gather_shares(Buffer all);
  void reduce_shares(Buffer all, Buffer own, Reduction reduction);
  void exchange_parts(Buffer send, Buffer receive);

  MPI_Comm comm_;
  Check check_;
  int rank_ = 0;
  int size_ = 1;
  /// By member, for the current call: number of elements, and index of the first one.
  std::vector<int> counts_;
  std::vector<int> displacements_;
  std::vector<int> receive_counts_;
  std::vector<int> receive_displacements_;
  Staging packed_;
  Staging result_;
};

}  // namespace foreshard
