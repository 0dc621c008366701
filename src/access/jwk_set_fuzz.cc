// Key sets of strangers: every key is taken or skipped with a reason, and never a secret.

#include "access/jwk_set.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto set = access::parse_jwk_set(text, {.keys_max = 10});
    if (set.ok() && (set->keys.size() + set->skipped.size() > 10 ||
                     set->keys.find(crypto::KeyFamily::hmac, access::kDefaultKeyId) != nullptr))
        std::abort();
    access::KeySet keys;
    for (const char *name : {"hmac:a", "rsa:a", "ec:a", "eddsa:a"})
        (void)keys.add_configured(name, text);
    return 0;
}
