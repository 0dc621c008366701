#pragma once

// Lists of IP addresses and CIDR blocks (RFC 4632, RFC 4291), as settings have them. Pure.

#include "base/result.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::net {

// An IPv4 or IPv6 address. An IPv4 address inside IPv6 (::ffff:10.0.0.1) is the IPv4 address: that is how a
// client of IPv4 looks to a listener of both.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{}; // IPv4: the last four
    bool v4 = false;

    // "10.0.0.1", "2001:db8::1"; nullopt for everything else, names and zones (fe80::1%eth0) included.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
    [[nodiscard]] std::string text() const; // the canonical one (RFC 5952)
    friend bool operator==(const IpAddress &, const IpAddress &) = default;
};

class AddressList {
  public:
    // At most so many entries.
    static constexpr std::size_t kEntriesMax = 1'000;

    // Addresses and blocks, separated by commas, white space around them; "" is the empty list.
    // A block of IPv6 holds no address of IPv4: "::/0" is all of IPv6 and nothing else.
    // Errors: bad_request naming the entry and what to write.
    static Result<AddressList> parse(std::string_view text);

    [[nodiscard]] bool contains(const IpAddress &address) const;
    [[nodiscard]] bool empty() const { return blocks_.empty(); }
    [[nodiscard]] std::string text() const; // reads back as the same list

  private:
    struct Block {
        IpAddress first;
        int prefix_bits = 0; // of its family: at most 32 or 128
    };
    static Result<Block> parse_block(std::string_view text);
    std::vector<Block> blocks_;
};

} // namespace divan::net
