#include "cli/serve/http_request.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace foreshard::cli {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

/// The next line, taken off the front of `rest`. Lines end with CR LF.
std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
  return line;
}

std::string_view without_spaces(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<HttpRequest> parse_request_line(std::string_view line) {
  const std::size_t method_end = line.find(' ');
  if (method_end == std::string_view::npos || method_end == 0) return std::nullopt;
  const std::size_t target_end = line.find(' ', method_end + 1);
  if (target_end == std::string_view::npos) return std::nullopt;
  const std::string_view version = line.substr(target_end + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return std::nullopt;
  const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
  if (!target.starts_with('/')) return std::nullopt;
  return HttpRequest{.method = std::string(line.substr(0, method_end)),
                     .path = std::string(target.substr(0, target.find('?'))),
                     .host = std::nullopt};
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    default: return "Misdirected Request";
  }
}

}  // namespace

std::optional<HttpRequest> parse_request(std::string_view head) {
  std::optional<HttpRequest> request = parse_request_line(next_line(head));
  if (!request) return std::nullopt;
  while (!head.empty()) {
    const std::string_view line = next_line(head);
    const std::size_t colon = line.find(':');
    // A name that ends in a space, or a line that begins with one, has been a way to smuggle requests.
    if (colon == std::string_view::npos || colon == 0 ||
        line.substr(0, colon).find_first_of(" \t") != std::string_view::npos)
      return std::nullopt;
    if (!is_same_word(line.substr(0, colon), "host")) continue;
    if (request->host) return std::nullopt;
    request->host = std::string(without_spaces(line.substr(colon + 1)));
  }
  return request;
}

bool is_loopback_host(std::string_view host, std::uint16_t port) {
  const std::string with_port = fmt::format(":{}", port);
  if (host.ends_with(with_port)) {
    host.remove_suffix(with_port.size());
  } else if (port != 80) {
    return false;
  }
  return is_same_word(host, "localhost") || host == "127.0.0.1";
}

HttpResponse respond(const std::optional<HttpRequest>& request, std::uint16_t port, const std::string& page) {
  if (!request || !request->host) return {.status = 400, .body = "This is no request of HTTP/1.1.\n"};
  if (!is_loopback_host(*request->host, port))
    return {.status = 421, .body = "This server answers to localhost and 127.0.0.1 alone.\n"};
  if (request->method != "GET" && request->method != "HEAD")
    return {.status = 405, .body = "Only GET and HEAD are answered.\n"};
  if (request->path != "/" && request->path != "/index.html")
    return {.status = 404, .body = "There is one page here: /\n"};
  return {.status = 200, .type = "text/html; charset=utf-8", .body = page};
}

std::string to_wire(const HttpResponse& response, bool has_body) {
  std::string wire = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n"
      "Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\nReferrer-Policy: no-referrer\r\n{}\r\n",
      response.status, reason_of(response.status), response.type, response.body.size(),
      response.status == 405 ? "Allow: GET, HEAD\r\n" : "");
  return has_body ? std::move(wire) + response.body : wire;
}

}  // namespace foreshard::cli
