#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace foreshard::cli {

/// The head of a request of HTTP/1.1, as far as a server of files needs it (RFC 9112).
struct HttpRequest {
  std::string method;
  std::string path;  ///< as sent, without the query
  std::optional<std::string> host;
};

/// The longest head that is read: request line and headers.
inline constexpr std::size_t kLongestHead = std::size_t{16} << 10U;

/// Parses a head, without the empty line that ends it. None where it is no request of HTTP/1.1 or 1.0, or names its
/// host twice.
std::optional<HttpRequest> parse_request(std::string_view head);

/// Whether a Host header names this machine's loopback, as it does where somebody opened the address that the server
/// printed. A page of another site that has its name resolved to 127.0.0.1 (DNS rebinding) sends its own name.
bool is_loopback_host(std::string_view host, std::uint16_t port);

/// A response with its headers. HEAD gets the same without the body.
struct HttpResponse {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

/// What a server of one page answers. @param page  the page's bytes
HttpResponse respond(const std::optional<HttpRequest>& request, std::uint16_t port, const std::string& page);

/// The response as it goes over the connection, which is closed after it.
std::string to_wire(const HttpResponse& response, bool has_body);

}  // namespace foreshard::cli
