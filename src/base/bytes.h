#pragma once

// Fixed-width big-endian numbers (they sort as they count) and varints, for keys and values.

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace divan {

void append_u8(std::string &out, std::uint8_t number);
void append_u32(std::string &out, std::uint32_t number); // big-endian
void append_u64(std::string &out, std::uint64_t number); // big-endian
// LEB128: 7 bits a byte, low group first, at most 10 bytes.
void append_varint(std::string &out, std::uint64_t number);
// A varint length, then the bytes.
void append_sized(std::string &out, std::string_view bytes);

// Reads what the functions above wrote, from the front. A short or malformed input makes the
// reader fail: from then on every read answers zero or empty, and ok() is false. So a decoder
// reads all its fields and asks once.
// The returned views live as long as the bytes given to the constructor.
class ByteReader {
  public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

    std::uint8_t u8() {
        auto taken = bytes(1);
        return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken[0]);
    }
    std::uint32_t u32();
    std::uint64_t u64();
    std::uint64_t varint() {
        // Most are of one byte.
        if (!rest_.empty() && static_cast<unsigned char>(rest_.front()) < 0x80)
            return u8();
        return long_varint();
    }
    std::string_view sized() { return bytes(varint()); }
    std::string_view bytes(std::uint64_t count) {
        if (!ok_ || count > rest_.size())
            return fail();
        auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    std::string_view rest() { return bytes(rest_.size()); }
    // What rest() would answer, left where it is.
    [[nodiscard]] std::string_view unread() const { return rest_; }

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    // Everything was read and nothing was malformed; otherwise ErrorCode::corruption naming `what`.
    [[nodiscard]] Result<void> finish(std::string_view what) const;

  private:
    std::uint64_t long_varint();
    std::string_view fail() {
        ok_ = false;
        rest_ = {};
        return {};
    }

    std::string_view rest_;
    bool ok_ = true;
};

// The smallest byte string that is greater than every string with this prefix; empty = no bound.
[[nodiscard]] std::string prefix_end(std::string_view prefix);

} // namespace divan
