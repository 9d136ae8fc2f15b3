#include "planner/spec/yaml/sha256.hpp"

#include <string>

#include "tests/support/catch.hpp"

using namespace foreshard;

// The examples of FIPS 180-2, appendix B, and the hash of no bytes.
TEST_CASE("SHA-256 of the standard's examples") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("bytes may come in pieces of any size") {
  // Lengths around the 56 bytes that leave room for the length in a block, and around a whole block.
  for (const std::size_t length : {1U, 55U, 56U, 57U, 63U, 64U, 65U, 119U, 120U, 128U, 1000U}) {
    std::string text(length, ' ');
    for (std::size_t i = 0; i < length; ++i) text[i] = static_cast<char>('a' + i % 26);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
      Sha256 hash;
      for (std::size_t at = 0; at < length; at += piece) hash.add(std::string_view(text).substr(at, piece));
      CHECK(hash.hex() == sha256_hex(text));
      CHECK(hash.hex() == hash.hex());
    }
  }
}
