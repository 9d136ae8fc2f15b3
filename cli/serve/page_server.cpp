#include "cli/serve/page_server.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "cli/serve/http_request.hpp"
#include "cli/terminal/environment_error.hpp"

namespace foreshard::cli {
namespace {

constexpr int kTick_ms = 200;         // how soon a request to stop is seen
constexpr int kPatience_ms = 10'000;  // for one connection's request, and for its reader
constexpr std::size_t kMostConnections = 32;

/// A socket, closed by the destructor.
class Connection {
 public:
  explicit Connection(int descriptor) : descriptor_(descriptor) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(descriptor_); }

  /// Waits for an event, until the connection's time is over or `stop` is set.
  [[nodiscard]] bool waits_for(short event, const std::atomic<bool>& stop) {
    for (; left_ms_ > 0 && !stop.load(); left_ms_ -= kTick_ms) {
      pollfd entry{.fd = descriptor_, .events = event, .revents = 0};
      const int ready = ::poll(&entry, 1, kTick_ms);
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
    }
    return false;
  }

  /// The head of the request; none where the client goes away, or sends one that is too long or does not end.
  [[nodiscard]] std::optional<std::string> read_head(const std::atomic<bool>& stop) {
    std::string head;
    std::array<char, 4096> piece{};
    while (waits_for(POLLIN, stop)) {
      const ssize_t got = ::recv(descriptor_, piece.data(), piece.size(), 0);
      if (got <= 0) return std::nullopt;
      head.append(piece.data(), static_cast<std::size_t>(got));
      if (const std::size_t end = head.find("\r\n\r\n"); end != std::string::npos) return head.substr(0, end);
      if (head.size() > kLongestHead) return std::nullopt;
    }
    return std::nullopt;
  }

  void write(std::string_view text, const std::atomic<bool>& stop) {
    while (!text.empty() && waits_for(POLLOUT, stop)) {
      const ssize_t sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EINTR && errno != EAGAIN) return;
      if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

 private:
  int descriptor_;
  int left_ms_ = kPatience_ms;
};

void answer(int descriptor, std::uint16_t port, const std::string& page, const std::atomic<bool>& stop) {
  Connection connection(descriptor);
  const std::optional<std::string> head = connection.read_head(stop);
  if (!head) return;
  const std::optional<HttpRequest> request = parse_request(*head);
  const bool has_body = !request || request->method != "HEAD";
  connection.write(to_wire(respond(request, port, page), has_body), stop);
}

[[noreturn]] void refuse_port(std::uint16_t port) {
  throw EnvironmentError(fmt::format("port {} of 127.0.0.1 cannot be served on: {}; --port names another",
                                     port, std::strerror(errno)));
}

/// Connections that are being answered, each by its thread.
class Answers {
 public:
  Answers() = default;
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;
  ~Answers() {
    for (Answer& running : running_) running.thread.join();
  }

  void forget_finished() {
    for (auto running = running_.begin(); running != running_.end();) {
      if (!running->is_done.load()) {
        ++running;
        continue;
      }
      running->thread.join();
      running = running_.erase(running);
    }
  }
  [[nodiscard]] bool is_full() const { return running_.size() >= kMostConnections; }

  template <class Work>
  void add(Work work) {
    Answer& added = running_.emplace_back();
    added.thread = std::thread([&added, work = std::move(work)] {
      work();
      added.is_done.store(true);
    });
  }

 private:
  struct Answer {
    std::atomic<bool> is_done{false};
    std::thread thread{};
  };
  std::list<Answer> running_;
};

}  // namespace

PageServer::PageServer(std::uint16_t port, std::string page)
    : page_(std::move(page)), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (socket_ < 0) refuse_port(port);
  const int yes = 1;
  ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  // The interface of sockets takes every kind of address by this type.
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket_, any, size) != 0 || ::listen(socket_, SOMAXCONN) != 0 ||
      ::getsockname(socket_, any, &size) != 0) {
    const int error = errno;
    ::close(socket_);
    errno = error;
    refuse_port(port);
  }
  port_ = ntohs(address.sin_port);
}

PageServer::~PageServer() { ::close(socket_); }

void PageServer::run(const std::atomic<bool>& stop) {
  Answers answers;
  while (!stop.load()) {
    answers.forget_finished();
    pollfd entry{.fd = socket_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&entry, 1, kTick_ms);
    if (ready <= 0 || answers.is_full()) {
      if (ready > 0) std::this_thread::sleep_for(std::chrono::milliseconds(kTick_ms));
      continue;
    }
    const int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    answers.add([this, connection, &stop] { answer(connection, port_, page_, stop); });
  }
}

}  // namespace foreshard::cli
