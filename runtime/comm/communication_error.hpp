#pragma once

#include <stdexcept>

namespace foreshard {

/// Communication between ranks failed. The message has the call, the library's error text, rank, host, the
/// operation under way and what to try. Exit code 3.
class CommunicationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace foreshard
