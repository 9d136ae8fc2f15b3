#pragma once

#include <stdexcept>

namespace foreshard {

/// The way between ranks failed; the message names the call, the library's own words, rank and host, the
/// operation under way and what to try. Exit code 3.
class CommunicationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace foreshard
