#include "access/key_set.h"

#include "base/encoding.h"

#include <fmt/format.h>

namespace divan::access {
namespace {

Result<crypto::Key> secret_of(std::string_view value) {
    auto bytes = base64_decode(value);
    if (!bytes)
        return Error(ErrorCode::bad_request, "Not a valid key");
    return crypto::Key::from_secret(crypto::Secret::take(*bytes));
}

Result<crypto::Key> public_key_of(std::string_view value) {
    std::string pem;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value.substr(i, 2) == "\\n") {
            pem.push_back('\n');
            ++i;
        } else {
            pem.push_back(value[i]);
        }
    }
    auto key = crypto::Key::from_pem(pem);
    crypto::cleanse(pem); // whoever put a private key there by mistake
    return key;
}

std::string_view not_of_family(crypto::KeyFamily family) {
    return family == crypto::KeyFamily::rsa  ? "not an RSA public key"
           : family == crypto::KeyFamily::ec ? "not an EC public key"
                                             : "not an EdDSA public key";
}

} // namespace

Result<void> KeySet::add_configured(std::string_view name, std::string_view value) {
    auto colon = name.find(':');
    auto family = crypto::key_family(name.substr(0, colon));
    if (!family || colon == std::string_view::npos || colon + 1 == name.size())
        return Error(ErrorCode::bad_request,
                     fmt::format("a key is named hmac:ID, rsa:ID, ec:ID or eddsa:ID, not `{}`", name));
    auto key = *family == crypto::KeyFamily::hmac ? secret_of(value) : public_key_of(value);
    if (!key.ok())
        return key.error();
    if (key->family() != *family)
        return Error(ErrorCode::bad_request, std::string(not_of_family(*family)));
    keys_.insert_or_assign({*family, std::string(name.substr(colon + 1))},
                           NamedKey{*std::move(key), std::nullopt});
    return {};
}

bool KeySet::add(std::string_view kid, NamedKey key) {
    auto family = key.key.family();
    return keys_.try_emplace({family, std::string(kid)}, std::move(key)).second;
}

void KeySet::add_missing(const KeySet &other) {
    keys_.insert(other.keys_.begin(), other.keys_.end());
}

const NamedKey *KeySet::find(crypto::KeyFamily family, std::string_view kid) const {
    auto found = keys_.find({family, std::string(kid)});
    return found == keys_.end() ? nullptr : &found->second;
}

} // namespace divan::access
