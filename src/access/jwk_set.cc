#include "access/jwk_set.h"

#include "json/parser.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::size_t kSetDepthMax = 32;
constexpr std::size_t kShownKidBytesMax = 64;

Error refused(std::string reason) {
    return {ErrorCode::bad_request, std::move(reason)};
}

// A member that is text: empty if it is absent, an error if it is something else.
Result<std::string_view> text_member(const json::Object &key, std::string_view name) {
    const auto *value = key.find(name);
    if (value == nullptr)
        return std::string_view();
    if (!value->is_string())
        return refused(fmt::format("{} is not a string", name));
    return std::string_view(value->string());
}

Result<void> check_purpose(const json::Object &key) {
    DIVAN_TRY(auto use, text_member(key, "use"));
    if (!use.empty() && use != "sig")
        return refused("its use is not sig");
    const auto *operations = key.find("key_ops");
    if (operations == nullptr)
        return {};
    if (!operations->is_array())
        return refused("key_ops is not an array");
    const auto &array = operations->array();
    if (std::find(array.begin(), array.end(), json::Value("verify")) == array.end())
        return refused("key_ops has no verify");
    return {};
}

Result<NamedKey> read_key(const json::Object &key) {
    DIVAN_TRY_VOID(check_purpose(key));
    if (key.contains("d"))
        return refused("it is a private key: publish its public key, and make a new one");
    crypto::JwkMembers members;
    DIVAN_TRY(members.kty, text_member(key, "kty"));
    if (members.kty == "oct")
        return refused("a secret has no place in a published set");
    DIVAN_TRY(members.crv, text_member(key, "crv"));
    DIVAN_TRY(members.n, text_member(key, "n"));
    DIVAN_TRY(members.e, text_member(key, "e"));
    DIVAN_TRY(members.x, text_member(key, "x"));
    DIVAN_TRY(members.y, text_member(key, "y"));
    DIVAN_TRY(auto public_key, crypto::Key::from_jwk(members));
    NamedKey named{std::move(public_key), std::nullopt};
    DIVAN_TRY(auto alg, text_member(key, "alg"));
    if (key.contains("alg")) {
        named.only = crypto::signature_algorithm(alg);
        if (!named.only || !named.key.fits(*named.only))
            return refused("its alg is not one for this key");
    }
    return named;
}

Result<void> add_key(KeySet &keys, const json::Value &value) {
    if (!value.is_object())
        return refused("it is not an object");
    const auto &key = value.object();
    DIVAN_TRY(auto kid, text_member(key, "kid"));
    DIVAN_TRY(auto named, read_key(key));
    if (!keys.add(key.contains("kid") ? kid : kDefaultKeyId, std::move(named)))
        return refused("there is another one of its family and kid");
    return {};
}

// "key 3 (kid abc)"
std::string title(std::size_t index, const json::Value &value) {
    const auto *kid = value.is_object() ? value.object().find("kid") : nullptr;
    if (kid == nullptr || !kid->is_string() || kid->string().size() > kShownKidBytesMax)
        return fmt::format("key {}", index);
    return fmt::format("key {} (kid {})", index, kid->string());
}

} // namespace

Result<JwkSet> parse_jwk_set(std::string_view text, const JwkSetLimits &limits) {
    if (text.size() > limits.bytes_max)
        return refused(fmt::format("The key set is too large: {} bytes are allowed", limits.bytes_max));
    DIVAN_TRY(auto root, json::parse(text, {.depth_max = kSetDepthMax, .refuse_equal_members = true}));
    const auto *keys = root.is_object() ? root.object().find("keys") : nullptr;
    if (keys == nullptr || !keys->is_array())
        return refused("A key set is an object with an array of keys: {\"keys\":[...]}");
    const auto &array = keys->array();
    if (array.size() > limits.keys_max)
        return refused(fmt::format("The key set has too many keys: {} are allowed", limits.keys_max));
    JwkSet set;
    for (std::size_t i = 0; i < array.size(); ++i)
        if (auto added = add_key(set.keys, array[i]); !added.ok())
            set.skipped.push_back(fmt::format("{}: {}", title(i, array[i]), added.error().reason()));
    return set;
}

} // namespace divan::access
