#include "crypto/sasl_prep.h"

#include "base/check.h"
#include "base/encoding.h"
#include "crypto/secret.h"

#include <algorithm>
#include <memory>
#include <openssl/crypto.h>
#include <unicode/usprep.h>
#include <unicode/ustring.h>
#include <vector>

namespace divan::crypto {
namespace {

constexpr std::size_t kTextBytesMax = 4096;

struct CloseProfile {
    void operator()(UStringPrepProfile *profile) const { usprep_close(profile); }
};

// Zeroes what was in it: these are passwords.
struct Utf16 {
    explicit Utf16(std::size_t unit_count) : units(unit_count) {}
    ~Utf16() { OPENSSL_cleanse(units.data(), units.size() * sizeof(UChar)); }
    Utf16(const Utf16 &) = delete;
    Utf16 &operator=(const Utf16 &) = delete;

    [[nodiscard]] std::int32_t capacity() const { return static_cast<std::int32_t>(units.size()); }
    std::vector<UChar> units;
    std::int32_t size = 0;
};

} // namespace

std::optional<std::string> sasl_prepare(std::string_view text) {
    if (text.size() > kTextBytesMax || !is_utf8(text))
        return std::nullopt;
    if (std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; }))
        return std::string(text);
    UErrorCode status = U_ZERO_ERROR;
    std::unique_ptr<UStringPrepProfile, CloseProfile> profile(
        usprep_openByType(USPREP_RFC4013_SASLPREP, &status));
    DIVAN_CHECK(U_SUCCESS(status));                       // the data comes with the library
    Utf16 source(text.size()), prepared(text.size() * 6); // NFKC makes 18 units of 3 bytes at most
    u_strFromUTF8(source.units.data(), source.capacity(), &source.size, text.data(),
                  static_cast<std::int32_t>(text.size()), &status);
    prepared.size = usprep_prepare(profile.get(), source.units.data(), source.size, prepared.units.data(),
                                   prepared.capacity(), USPREP_ALLOW_UNASSIGNED, nullptr, &status);
    if (U_FAILURE(status))
        return std::nullopt;
    std::string out(static_cast<std::size_t>(prepared.size) * 3, '\0');
    std::int32_t size = 0;
    u_strToUTF8(out.data(), static_cast<std::int32_t>(out.size()), &size, prepared.units.data(),
                prepared.size, &status);
    if (U_FAILURE(status)) {
        cleanse(out);
        return std::nullopt;
    }
    out.resize(static_cast<std::size_t>(size));
    return out;
}

} // namespace divan::crypto
