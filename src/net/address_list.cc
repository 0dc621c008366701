#include "net/address_list.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <fmt/format.h>

namespace divan::net {
namespace {

constexpr std::size_t kMappedBytes = 12;
constexpr int kMappedBits = 96;
// ::ffff:0:0/96 (RFC 4291, 2.5.5.2).
constexpr std::array<std::uint8_t, kMappedBytes> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_mapped(const std::array<std::uint8_t, 16> &bytes) {
    return std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kWhite = " \t\r\n";
    auto first = text.find_first_not_of(kWhite);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

std::optional<int> parse_bits(std::string_view text) {
    int bits = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
    bool whole = error == std::errc() && end == text.data() + text.size() && text.front() != '-';
    return whole ? std::optional<int>(bits) : std::nullopt;
}

// The address with everything behind `bits` of all 128 set to zero.
std::array<std::uint8_t, 16> masked(std::array<std::uint8_t, 16> bytes, int bits) {
    for (int i = 0; i < 16; ++i) {
        auto kept = std::clamp(bits - 8 * i, 0, 8);
        bytes[static_cast<std::size_t>(i)] &= static_cast<std::uint8_t>(0xff00 >> kept);
    }
    return bytes;
}

int all_bits(const IpAddress &address, int prefix_bits) {
    return address.v4 ? kMappedBits + prefix_bits : prefix_bits;
}

Error bad_entry(std::string_view entry, std::string_view what) {
    // An entry may be a whole file that was pasted there.
    constexpr std::size_t kShownBytesMax = 60;
    return {ErrorCode::bad_request,
            fmt::format("`{}` is no IP address and no block of them{}. Write a list as in `192.0.2.7, "
                        "10.0.0.0/8, 2001:db8::/32`.",
                        entry.substr(0, kShownBytesMax), what)};
}

} // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::string terminated(text);
    IpAddress address;
    if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data() + kMappedBytes) == 1) {
        std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
        address.v4 = true;
        return address;
    }
    if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) != 1)
        return std::nullopt;
    address.v4 = is_mapped(address.bytes);
    return address;
}

std::string IpAddress::text() const {
    char buffer[INET6_ADDRSTRLEN] = "";
    inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data() + (v4 ? kMappedBytes : 0), buffer, sizeof buffer);
    return buffer;
}

Result<AddressList::Block> AddressList::parse_block(std::string_view text) {
    auto slash = text.find('/');
    auto address = IpAddress::parse(text.substr(0, slash));
    if (!address)
        return bad_entry(text, "");
    bool written_as_v6 = text.find(':') != std::string_view::npos;
    int bits_max = written_as_v6 ? 128 : 32;
    int bits = bits_max;
    if (slash != std::string_view::npos) {
        auto parsed = slash + 1 < text.size() ? parse_bits(text.substr(slash + 1)) : std::nullopt;
        if (!parsed || *parsed > bits_max)
            return bad_entry(text, fmt::format(": a number from 0 to {} stands behind `/`", bits_max));
        bits = *parsed;
    }
    Block block{*address, bits};
    if (address->v4 && written_as_v6) {
        // Less than 96 bits hold more than mapped addresses.
        block.first.v4 = bits >= kMappedBits;
        block.prefix_bits = block.first.v4 ? bits - kMappedBits : bits;
    }
    auto first = masked(block.first.bytes, all_bits(block.first, block.prefix_bits));
    if (first != block.first.bytes) {
        auto right = block.first;
        right.bytes = first;
        return bad_entry(
            text, fmt::format(": the block that it lies in is `{}/{}`", right.text(), block.prefix_bits));
    }
    return block;
}

Result<AddressList> AddressList::parse(std::string_view text) {
    AddressList list;
    text = trim(text);
    while (!text.empty()) {
        auto comma = text.find(',');
        auto entry = trim(text.substr(0, comma));
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        if (entry.empty())
            continue;
        if (list.blocks_.size() == kEntriesMax)
            return Error(ErrorCode::bad_request,
                         fmt::format("A list of addresses has at most {} entries: write blocks, as in "
                                     "`10.0.0.0/8`.",
                                     kEntriesMax));
        DIVAN_TRY(auto block, parse_block(entry));
        list.blocks_.push_back(block);
    }
    return list;
}

bool AddressList::contains(const IpAddress &address) const {
    return std::any_of(blocks_.begin(), blocks_.end(), [&](const Block &block) {
        return block.first.v4 == address.v4 &&
               masked(address.bytes, all_bits(block.first, block.prefix_bits)) == block.first.bytes;
    });
}

std::string AddressList::text() const {
    std::string out;
    for (const auto &block : blocks_)
        out += fmt::format("{}{}/{}", out.empty() ? "" : ", ", block.first.text(), block.prefix_bits);
    return out;
}

} // namespace divan::net
