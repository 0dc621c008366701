// Encodings are inverses of their decoders, and decoders answer for any text.

#include "base/encoding.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    std::string_view text(reinterpret_cast<const char *>(data), size);
    if (hex_decode(hex_encode(text)) != text || base64_decode(base64_encode(text)) != text ||
        base64_decode(base64_url_encode(text)) != text ||
        percent_decode(percent_encode(text), true) != text ||
        percent_decode(percent_encode(text), false) != text)
        std::abort();
    if (base64_url_decode_strict(base64_url_encode(text)) != text ||
        base32_decode(base32_encode(text)) != text)
        std::abort();
    if (auto bytes = base64_url_decode_strict(text); bytes && base64_url_encode(*bytes) != text)
        std::abort();
    if (auto bytes = base32_decode(text);
        bytes && (bytes->size() > text.size() || base32_decode(base32_encode(*bytes)) != bytes))
        std::abort();
    if (auto bytes = hex_decode(text); bytes && bytes->size() * 2 != text.size())
        std::abort();
    if (auto bytes = base64_decode(text); bytes && base64_decode(base64_encode(*bytes)) != bytes)
        std::abort();
    if (auto bytes = percent_decode(text, true); bytes && bytes->size() > text.size())
        std::abort();
    return 0;
}
