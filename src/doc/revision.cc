#include "doc/revision.h"

#include "base/check.h"
#include "base/encoding.h"

#include <algorithm>
#include <charconv>

namespace divan::doc {
namespace {

constexpr std::size_t kRevBytesMax = 1'000;
// Generations are JSON numbers in `_revisions`: whole in every client's double.
constexpr std::uint64_t kGenerationMax = (1ull << 53) - 1;

} // namespace

RevHash RevHash::from_text(std::string_view text) {
    if (text.size() == 32)
        if (auto raw = hex_decode(text))
            return from_bytes(*raw);
    return from_bytes(text);
}

RevHash RevHash::from_bytes(std::string_view bytes) {
    RevHash hash;
    if (bytes.size() == hash.short_.size())
        std::copy(bytes.begin(), bytes.end(), hash.short_.begin());
    else
        hash.long_ = std::make_shared<const std::string>(bytes);
    return hash;
}

std::string_view RevHash::bytes() const {
    return long_ ? std::string_view(*long_) : std::string_view(short_.data(), short_.size());
}

void RevHash::append_text(std::string &out) const {
    if (long_) {
        out.append(*long_);
        return;
    }
    std::array<char, 2 * sizeof short_> digits; // NOLINT(*-member-init): filled below
    for (std::size_t i = 0; i < short_.size(); ++i) {
        auto byte = static_cast<unsigned char>(short_[i]);
        digits[2 * i] = "0123456789abcdef"[byte >> 4];
        digits[2 * i + 1] = "0123456789abcdef"[byte & 15];
    }
    out.append(digits.data(), digits.size());
}

std::string RevHash::text() const {
    std::string out;
    append_text(out);
    return out;
}

Result<RevId> RevId::parse(std::string_view text) {
    RevId rev;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rev.generation);
    auto digits = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || digits == text.size() || text[digits] != '-' || text.size() > kRevBytesMax ||
        rev.generation > kGenerationMax)
        return Error(ErrorCode::bad_request, "Invalid rev format");
    rev.hash = RevHash::from_text(text.substr(digits + 1));
    return rev;
}

void RevId::append_text(std::string &out) const {
    char digits[20];
    auto [end, error] = std::to_chars(digits, digits + sizeof digits, generation);
    DIVAN_CHECK(error == std::errc());
    out.append(digits, end);
    out.push_back('-');
    hash.append_text(out);
}

std::string RevId::text() const {
    std::string out;
    append_text(out);
    return out;
}

} // namespace divan::doc
