// wire: the network between the hosts of these tests. Every host has a TAP device, data0, whose frames this program
// delivers after the time that a real network would have taken. It needs nothing of the kernel but TAP devices;
// tc's netem, which delays packets, is not in every kernel.
//
//   wire RATE_MBIT LATENCY_US SHARED_MBIT PID…
//
// PID: a process in the network namespace of each host, in order. Host i's device has the address 02:00:00:00:00:i.
// A frame passes its sender's up-link and its receiver's down-link, both of RATE_MBIT, in each direction. Between the
// first half of the hosts and the second it also passes a link of SHARED_MBIT, in each direction; 0: no such link.
// Then it takes LATENCY_US more. Links are cut-through: a frame leaves a link when its last bit has passed that link,
// and no earlier than it left the link before. Nothing is lost: a sender is not heard while what it sent waits.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <queue>
#include <sched.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

namespace {

using Nanoseconds = std::int64_t;

/// How much of a sender's backlog lies in the network before the sender waits.
constexpr Nanoseconds kBacklog = 2'000'000;
constexpr std::size_t kAddressBytes = 6;
/// Between a frame on an Ethernet and what a TAP device hands over: preamble, checksum, gap.
constexpr std::int64_t kBytesAroundFrame = 24;
constexpr std::size_t kLargestFrame = 65536;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "wire: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

Nanoseconds now() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// When the first and the last bit of a frame pass a place.
struct Passage {
  Nanoseconds first;
  Nanoseconds last;
};

struct Link {
  double bits_per_ns = 0.0;
  Nanoseconds free_at = 0;

  /// A frame's way over the link: its bits follow each other at the link's rate, and come no earlier than they reach it.
  Passage pass(Passage in, std::size_t bytes) {
    const auto bits = static_cast<double>(8 * (static_cast<std::int64_t>(bytes) + kBytesAroundFrame));
    const Nanoseconds first = std::max(in.first, free_at);
    free_at = std::max(in.last, first + static_cast<Nanoseconds>(bits / bits_per_ns));
    return {first, free_at};
  }
};

struct Frame {
  Nanoseconds arrives;
  std::uint64_t number;  ///< of frames that arrive at once, the first sent is delivered first
  std::size_t to;
  std::vector<char> bytes;
};
struct Later {
  bool operator()(const Frame& a, const Frame& b) const {
    return a.arrives != b.arrives ? a.arrives > b.arrives : a.number > b.number;
  }
};

struct Port {
  int tap = -1;
  Link up;
  Link down;
  Nanoseconds heard_from = 0;  ///< no frame is taken from the host before
};

/// Moves this program into the network namespace of a process.
void enter_network_of(const std::string& process) {
  const std::string space = "/proc/" + process + "/ns/net";
  const int netns = open(space.c_str(), O_RDONLY | O_CLOEXEC);
  if (netns < 0) give_up(space);
  if (setns(netns, CLONE_NEWNET) != 0) give_up("setns");
  close(netns);
}

/// Opens a TAP device data0 in the network namespace of a process, and stays there.
int open_tap(const std::string& pid) {
  enter_network_of(pid);
  const int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tap < 0) give_up("/dev/net/tun");
  ifreq request{};
  std::strcpy(request.ifr_name, "data0");
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (ioctl(tap, TUNSETIFF, &request) != 0) give_up("TUNSETIFF");
  return tap;
}

class Wire {
 public:
  Wire(double rate_mbit, double latency_us, double shared_mbit, const std::vector<std::string>& pids)
      : latency_(static_cast<Nanoseconds>(latency_us * 1e3)), has_shared_(shared_mbit > 0.0) {
    for (const std::string& pid : pids)
      ports_.push_back({.tap = open_tap(pid), .up = {rate_mbit * 1e-3}, .down = {rate_mbit * 1e-3}});
    enter_network_of(std::to_string(getppid()));  // a test looks for what is left on a host
    for (Link& link : shared_) link.bits_per_ns = shared_mbit * 1e-3;
  }

  [[noreturn]] void run() {
    std::printf("ready\n");
    std::fflush(stdout);
    for (;;) {
      wait();
      for (std::size_t port = 0; port < ports_.size(); ++port) take(port);
      deliver();
    }
  }

 private:
  [[nodiscard]] bool is_second_half(std::size_t port) const { return port >= (ports_.size() + 1) / 2; }

  /// Waits for a frame, for a frame's arrival, or for a sender that may be heard again.
  void wait() {
    const Nanoseconds time = now();
    Nanoseconds until = time + 1'000'000'000;
    if (!flying_.empty()) until = std::min(until, flying_.top().arrives);
    std::vector<pollfd> polled;
    for (const Port& port : ports_) {
      if (port.heard_from <= time) {
        polled.push_back({.fd = port.tap, .events = POLLIN, .revents = 0});
      } else {
        until = std::min(until, port.heard_from);
      }
    }
    const Nanoseconds left = std::max<Nanoseconds>(0, until - time);
    const timespec limit{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    ppoll(polled.data(), polled.size(), &limit, nullptr);
  }

  void take(std::size_t from) {
    Port& port = ports_[from];
    while (port.heard_from <= now()) {
      const ssize_t length = read(port.tap, buffer_.data(), buffer_.size());
      if (length < static_cast<ssize_t>(kAddressBytes)) return;
      const std::vector<char> bytes(buffer_.data(), buffer_.data() + length);
      const bool is_for_all = (bytes[0] & 1) != 0;
      const auto host = static_cast<std::size_t>(static_cast<unsigned char>(bytes[kAddressBytes - 1]));
      for (std::size_t to = 0; to < ports_.size(); ++to)
        if (to != from && (is_for_all || to + 1 == host)) send(from, to, bytes);
    }
  }

  void send(std::size_t from, std::size_t to, const std::vector<char>& bytes) {
    const Nanoseconds time = now();
    Passage passage = ports_[from].up.pass({time, time}, bytes.size());
    if (has_shared_ && is_second_half(from) != is_second_half(to))
      passage = shared_[is_second_half(to) ? 1 : 0].pass(passage, bytes.size());
    const Nanoseconds leaves = ports_[to].down.pass(passage, bytes.size()).last;
    ports_[from].heard_from = std::max(ports_[from].heard_from, leaves - kBacklog);
    flying_.push({.arrives = leaves + latency_, .number = sent_++, .to = to, .bytes = bytes});
  }

  void deliver() {
    while (!flying_.empty() && flying_.top().arrives <= now()) {
      const Frame& frame = flying_.top();
      // A device that is down takes nothing: that frame is lost, as on a cable that is cut.
      if (write(ports_[frame.to].tap, frame.bytes.data(), frame.bytes.size()) < 0 && errno == EBADF)
        give_up("write");
      flying_.pop();
    }
  }

  Nanoseconds latency_;
  bool has_shared_;
  std::vector<Port> ports_;
  std::array<Link, 2> shared_;  ///< towards the first half of the hosts, towards the second
  std::priority_queue<Frame, std::vector<Frame>, Later> flying_;
  std::uint64_t sent_ = 0;
  std::array<char, kLargestFrame> buffer_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "wire RATE_MBIT LATENCY_US SHARED_MBIT PID…\n");
    return 2;
  }
  const std::vector<std::string> pids(argv + 4, argv + argc);
  Wire(std::atof(argv[1]), std::atof(argv[2]), std::atof(argv[3]), pids).run();
}
