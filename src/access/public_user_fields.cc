#include "access/public_user_fields.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::access {
namespace {

constexpr std::size_t kDigestBytes = 8;

std::string digest_of(const std::vector<std::string> &fields) {
    std::string text;
    for (const auto &field : fields)
        text.append(field).push_back('\n');
    return hex_encode(crypto::sha256(text).substr(0, kDigestBytes));
}

} // namespace

PublicUserFields::PublicUserFields(std::vector<std::string> fields)
    : fields_(std::move(fields)), digest_(digest_of(fields_)) {}

bool PublicUserFields::shows(std::string_view /*id*/, std::string_view json) const {
    auto document = json::parse(std::string(json), {.depth_max = json::kAnyDepth});
    return document.ok() && document->is_object() &&
           std::any_of(fields_.begin(), fields_.end(),
                       [&](const auto &field) { return document->object().contains(field); });
}

std::optional<std::string> PublicUserFields::shown_text(std::string_view /*id*/, std::string_view json,
                                                        bool /*deleted*/) const {
    auto document = json::parse(std::string(json), {.depth_max = json::kAnyDepth});
    DIVAN_CHECK(document.ok() && document->is_object()); // canonical text
    json::Object shown;
    for (const auto &member : document->object())
        if (member.key.starts_with("_") ||
            std::find(fields_.begin(), fields_.end(), member.key) != fields_.end())
            shown.append(member.key, member.value);
    return json::to_text(json::Value(std::move(shown)));
}

} // namespace divan::access
