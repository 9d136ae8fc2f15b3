#include "cli/serve/http_request.hpp"

#include "tests/support/catch.hpp"

namespace foreshard::cli {
namespace {

constexpr std::uint16_t kPort = 8010;
const std::string kPage = "<!DOCTYPE html>";

int status_of(std::string_view head) { return respond(parse_request(head), kPort, kPage).status; }

TEST_CASE("a request's head is parsed", "[cli]") {
  const auto request =
      parse_request("GET /index.html?x=1 HTTP/1.1\r\nAccept: */*\r\nhOST:  localhost:8010 \r\nX: a:b");
  REQUIRE(request);
  CHECK(request->method == "GET");
  CHECK(request->path == "/index.html");
  CHECK(request->host == "localhost:8010");

  CHECK_FALSE(parse_request(""));
  CHECK_FALSE(parse_request("GET /"));
  CHECK_FALSE(parse_request("GET / HTTP/2"));
  CHECK_FALSE(parse_request("GET http://localhost:8010/ HTTP/1.1"));
  CHECK_FALSE(parse_request("GET / HTTP/1.1\r\nno colon"));
  CHECK_FALSE(parse_request("GET / HTTP/1.1\r\nHost : localhost:8010"));
  CHECK_FALSE(parse_request("GET / HTTP/1.1\r\nHost: localhost:8010\r\nHost: other"));
}

TEST_CASE("only the loopback's own names are hosts", "[cli]") {
  CHECK(is_loopback_host("localhost:8010", kPort));
  CHECK(is_loopback_host("LocalHost:8010", kPort));
  CHECK(is_loopback_host("127.0.0.1:8010", kPort));
  CHECK(is_loopback_host("localhost", 80));  // browsers leave the scheme's own port out
  CHECK_FALSE(is_loopback_host("localhost", kPort));
  CHECK_FALSE(is_loopback_host("localhost:8011", kPort));
  CHECK_FALSE(is_loopback_host("attacker.example:8010", kPort));
  CHECK_FALSE(is_loopback_host("localhost.attacker.example:8010", kPort));
  CHECK_FALSE(is_loopback_host("127.0.0.1.attacker.example:8010", kPort));
  CHECK_FALSE(is_loopback_host("", kPort));
}

TEST_CASE("one page is served, to GET and HEAD", "[cli]") {
  const std::string host = " HTTP/1.1\r\nHost: localhost:8010";
  const HttpResponse page = respond(parse_request("GET /" + host), kPort, kPage);
  CHECK(page.status == 200);
  CHECK(page.body == kPage);
  CHECK(page.type == "text/html; charset=utf-8");
  CHECK(status_of("HEAD /index.html" + host) == 200);
  CHECK(status_of("GET /?job" + host) == 200);

  CHECK(status_of("GET /../etc/passwd" + host) == 404);
  CHECK(status_of("GET //" + host) == 404);
  CHECK(status_of("POST /" + host) == 405);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: attacker.example:8010") == 421);
  CHECK(status_of("GET / HTTP/1.1") == 400);
  CHECK(status_of("nonsense") == 400);
}

TEST_CASE("a response says how long it is", "[cli]") {
  const std::string wire = to_wire({.status = 200, .type = "text/plain", .body = "four"}, true);
  CHECK(wire.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n"));
  CHECK(wire.ends_with("\r\n\r\nfour"));
  const std::string head = to_wire({.status = 405, .body = "four"}, false);
  CHECK(head.find("Content-Length: 4\r\n") != std::string::npos);
  CHECK(head.find("Allow: GET, HEAD\r\n") != std::string::npos);
  CHECK(head.ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace foreshard::cli
