#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace foreshard::cli {

/// Serves one page over HTTP on 127.0.0.1, to which no other machine can connect.
class PageServer {
 public:
  /// Binds and listens. @param port  0: one that is free   @throws EnvironmentError, as where the port is in use
  PageServer(std::uint16_t port, std::string page);
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;
  ~PageServer();

  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// Answers until `stop` is set. One thread per connection: browsers open some that they do not use at once.
  void run(const std::atomic<bool>& stop);

 private:
  std::string page_;
  int socket_;
  std::uint16_t port_ = 0;
};

}  // namespace foreshard::cli
