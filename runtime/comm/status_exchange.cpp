#include "runtime/comm/status_exchange.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <type_traits>
#include <unistd.h>

#include <fmt/format.h>
#include <mpi.h>

#include "runtime/comm/check.hpp"
#include "runtime/comm/communication_error.hpp"

namespace foreshard {
namespace {

static_assert(std::is_trivially_copyable_v<StatusMessage>, "messages are sent as the bytes of the struct");

void check_system(int result, std::string_view call, const MpiSession& session) {
  if (result >= 0) return;
  throw CommunicationError(
      fmt::format("{}: {} failed: {}\nhint: the watchdog needs a UDP socket on every host",
                  place_words(session), call, std::strerror(errno)));
}

sockaddr_in socket_address(std::uint32_t address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = address;
  result.sin_port = port;
  return result;
}

/// The IPv4 addresses of this host that other hosts may reach.
std::vector<std::uint32_t> own_addresses() {
  std::vector<std::uint32_t> found;
  ifaddrs* interfaces = nullptr;
  if (getifaddrs(&interfaces) != 0) return found;
  for (const ifaddrs* i = interfaces; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_INET) continue;
    if ((i->ifa_flags & IFF_UP) == 0 || (i->ifa_flags & IFF_LOOPBACK) != 0) continue;
    sockaddr_in address{};
    std::memcpy(&address, i->ifa_addr, sizeof address);
    found.push_back(address.sin_addr.s_addr);
  }
  freeifaddrs(interfaces);
  return found;
}

}  // namespace

StatusExchange::StatusExchange(const MpiSession& session) : own_(session.rank()) {
  const std::vector<std::string>& hosts = session.hosts();
  const bool on_one_host =
      std::all_of(hosts.begin(), hosts.end(), [&](const std::string& host) { return host == hosts.front(); });
  socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  check_system(socket_, "socket", session);
  const sockaddr_in any = socket_address(htonl(on_one_host ? INADDR_LOOPBACK : INADDR_ANY), 0);
  check_system(bind(socket_, reinterpret_cast<const sockaddr*>(&any), sizeof any), "bind", session);
  sockaddr_in bound{};
  socklen_t length = sizeof bound;
  check_system(getsockname(socket_, reinterpret_cast<sockaddr*>(&bound), &length), "getsockname", session);

  Endpoint own{.port = bound.sin_port};
  const std::vector<std::uint32_t> addresses = own_addresses();
  std::copy_n(addresses.begin(), std::min(addresses.size(), own.addresses.size()), own.addresses.begin());
  endpoints_.resize(hosts.size());
  check_mpi(
      MPI_Allgather(&own, sizeof own, MPI_BYTE, endpoints_.data(), sizeof own, MPI_BYTE, MPI_COMM_WORLD),
      "MPI_Allgather", session);
  for (std::size_t rank = 0; rank < hosts.size(); ++rank)
    if (hosts[rank] == session.host()) endpoints_[rank].addresses = {htonl(INADDR_LOOPBACK)};

  std::random_device random;
  key_ = (std::uint64_t{random()} << 32) | random();
  check_mpi(MPI_Bcast(&key_, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD), "MPI_Bcast", session);
}

StatusExchange::~StatusExchange() { close(socket_); }

void StatusExchange::send(Rank to, StatusMessage message) const {
  message.key = key_;
  message.from = own_;
  const Endpoint& endpoint = endpoints_[to.at()];
  for (const std::uint32_t address : endpoint.addresses) {
    if (address == 0) continue;
    const sockaddr_in target = socket_address(address, endpoint.port);
    sendto(socket_, &message, sizeof message, 0, reinterpret_cast<const sockaddr*>(&target), sizeof target);
  }
}

std::optional<StatusMessage> StatusExchange::receive(std::chrono::milliseconds timeout) const {
  pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) return std::nullopt;
  StatusMessage message;
  const ssize_t bytes = recv(socket_, &message, sizeof message, 0);
  const bool is_of_this_run = bytes == static_cast<ssize_t>(sizeof message) && message.key == key_ &&
                              message.from.at() < endpoints_.size();
  return is_of_this_run ? std::optional(message) : std::nullopt;
}

}  // namespace foreshard
