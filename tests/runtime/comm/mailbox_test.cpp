#include "runtime/comm/mailbox.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {
namespace {

Mailbox::Letter next_of(Mailbox& mailbox) {
  std::optional<Mailbox::Letter> letter;
  while (!letter) letter = mailbox.receive();
  return *std::move(letter);
}

TEST_CASE("letters of all lengths arrive whole, and in the order in which a rank sent them") {
  const MpiSession& session = mpi_session();
  Mailbox mailbox(session);
  // An empty one, one that MPI buffers, one for which it asks the receiver first.
  const std::vector<std::size_t> lengths{0, 10, 3'000'000};
  const auto letter_of = [](Rank from, std::size_t length) {
    return std::string(length, static_cast<char>('a' + from.value()));
  };
  if (session.rank() == Rank(0)) {
    std::vector<std::size_t> taken(static_cast<std::size_t>(session.size()));
    for (std::size_t i = 0; i < lengths.size() * (taken.size() - 1); ++i) {
      const Mailbox::Letter letter = next_of(mailbox);
      const std::size_t nth = taken[letter.from.at()]++;
      REQUIRE(nth < lengths.size());
      CHECK((letter.bytes == letter_of(letter.from, lengths[nth])));
    }
    for (std::size_t rank = 1; rank < taken.size(); ++rank) mailbox.send(Rank(rank), "thanks");
  } else {
    for (const std::size_t length : lengths) mailbox.send(Rank(0), letter_of(session.rank(), length));
    CHECK(next_of(mailbox).bytes == "thanks");
  }
  mailbox.finish();
  CHECK_FALSE(mailbox.receive());
}

}  // namespace
}  // namespace foreshard::test
