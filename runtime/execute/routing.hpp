#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/routed_rows.hpp"

namespace foreshard {

/// What the plan says of one router and its experts, as one rank sees them.
struct RoutedShape {
  std::int64_t tokens = 0;     ///< of a micro-batch, that the rank sends to experts
  std::int64_t per_token = 1;  ///< experts of a token
  std::int64_t experts = 1;
  std::int64_t hidden = 0;  ///< columns of a row
  std::int64_t tp = 1;
  std::int64_t ep = 1;
  std::int64_t tp_rank = 0;
  std::int64_t ep_rank = 0;
  std::int64_t room = 0;   ///< rows that the rank's buffer of arriving rows holds
  double imbalance = 1.0;  ///< the busiest rank's rows over the mean, for which there is room
};
/// None where the block has no router.
std::optional<RoutedShape> routed_shape(const StepProgram& program, const Block& forward,
                                        const Coordinates& at);

/// How the tokens of one micro-batch were routed in one layer, as one rank needs to know it: where its own
/// tokens' rows stand, ordered by expert, and which rows come to its experts from the members of its
/// expert-parallel group and from its tensor-parallel neighbours. Filled while a step runs, in place.
class Routing {
 public:
  Routing(const RoutedShape& shape, LayerId layer);

  /// @param routes (tokens, 2·per_token): of each token the chosen experts, then their weights
  void take(std::span<const double> routes);
  /// Tells the others how many rows they get. All members of the rank's expert-parallel and tensor-parallel
  /// groups together. @throws std::runtime_error where more rows arrive than there is room for, saying what
  /// imbalance would hold them
  void exchange(Communicator& communicator);

  [[nodiscard]] std::int64_t tokens() const { return tokens_; }
  [[nodiscard]] std::int64_t per_token() const { return per_token_; }
  [[nodiscard]] std::int64_t experts() const { return experts_; }
  /// The row among the rank's own of every token's every choice: token·per_token + choice.
  [[nodiscard]] const std::vector<std::int64_t>& places() const { return places_; }
  /// The rows that this rank's experts work on.
  [[nodiscard]] const RoutedRows& rows() const { return rows_; }
  /// Rows of every expert of the model, of this rank's own tokens.
  [[nodiscard]] const std::vector<std::int64_t>& own_counts() const { return own_counts_; }

  // Elements, rows times the hidden size, as collectives count them: to and from the expert-parallel members,
  // and of the tensor-parallel ones.
  [[nodiscard]] const std::vector<std::int64_t>& sent() const { return sent_; }
  [[nodiscard]] const std::vector<std::int64_t>& arrived() const { return arrived_; }
  [[nodiscard]] const std::vector<std::int64_t>& of_tp() const { return of_tp_; }

 private:
  void gather(Communicator& communicator, GroupKind group, std::vector<std::int32_t>& all,
              std::int64_t own) const;
  void check_room() const;
  void list_rows();

  std::int64_t tokens_;
  std::int64_t per_token_;
  std::int64_t experts_;
  std::int64_t hidden_;
  std::int64_t tp_;
  std::int64_t ep_;
  std::int64_t tp_rank_;
  std::int64_t ep_rank_;
  std::int64_t room_;
  double imbalance_;
  LayerId layer_;

  std::vector<std::int64_t> places_;
  std::vector<std::int64_t> own_counts_;  // by expert
  std::vector<std::int32_t> ep_counts_;   // (ep, experts): rows that each member sends to each expert
  std::vector<std::int32_t>
      tp_counts_;  // (tp, ep, local experts): rows that came to each tensor-parallel rank
  std::vector<std::int64_t> sent_;
  std::vector<std::int64_t> arrived_;
  std::vector<std::int64_t> of_tp_;
  std::vector<std::int64_t> next_;  // by expert: the next row to fill
  RoutedRows rows_;
};

}  // namespace foreshard
