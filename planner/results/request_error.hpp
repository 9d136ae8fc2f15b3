#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace foreshard {

/// Thrown if a request to a study does not fit the job, such as the slowdown of a rank that the job does not
/// have.
class RequestError : public std::runtime_error {
 public:
  /// @param what_is_asked  the part of the request: "slowdown"; empty for the request as a whole
  RequestError(std::string what_is_asked, const std::string& message)
      : std::runtime_error(message), what_is_asked_(std::move(what_is_asked)) {}

  [[nodiscard]] const std::string& what_is_asked() const { return what_is_asked_; }

 private:
  std::string what_is_asked_;
};

}  // namespace foreshard
