#pragma once

// The keys that tokens are checked with, by family and key id.

#include "crypto/signature.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace divan::access {

// A token without `kid` is checked with the key of this id, as in CouchDB.
inline constexpr std::string_view kDefaultKeyId = "_default";

struct NamedKey {
    crypto::Key key;
    std::optional<crypto::SignatureAlgorithm> only; // the one algorithm it is for, if it is bound to one
};

// A value; any number of threads may read one that nobody changes.
class KeySet {
  public:
    // Adds the key of a line of [jwt_keys] (jwtf_keystore of CouchDB): the name is FAMILY:KID, with hmac,
    // rsa, ec or, in Divan, eddsa, and everything behind the first colon is the id; the value is base64 for
    // hmac, else PEM whose line ends may be written \n. Replaces a key of the same name. Errors:
    // bad_request, which never shows the value.
    [[nodiscard]] Result<void> add_configured(std::string_view name, std::string_view value);
    // Adds a key under its own family; false, and nothing happens, if it has one of this id.
    [[nodiscard]] bool add(std::string_view kid, NamedKey key);

    // Adds the keys of another set that this one has none of the same family and id of.
    void add_missing(const KeySet &other);

    // Null if there is none. The ids are compared byte by byte.
    [[nodiscard]] const NamedKey *find(crypto::KeyFamily family, std::string_view kid) const;
    [[nodiscard]] std::size_t size() const { return keys_.size(); }

  private:
    std::map<std::pair<crypto::KeyFamily, std::string>, NamedKey> keys_;
};

} // namespace divan::access
