#include "crypto/scram_syntax.h"

#include "base/encoding.h"
#include "crypto/scram.h"

#include <algorithm>

namespace divan::crypto {
namespace {

constexpr std::size_t kMessageBytesMax = 4096;
constexpr std::size_t kProofBytes = 32;

Error invalid(std::string_view reason) {
    return scram_error(ErrorCode::bad_request, "invalid-encoding", reason);
}

// Takes what stands before the next comma, and the comma; everything if there is none.
std::string_view take_field(std::string_view &rest) {
    auto comma = rest.find(',');
    auto field = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    return field;
}

// The value of a field `name=value`; nullopt for another one.
std::optional<std::string_view> value_of(std::string_view field, char name) {
    if (field.size() < 2 || field[0] != name || field[1] != '=')
        return std::nullopt;
    return field.substr(2);
}

// The value of a saslname: =2C is a comma and =3D an equals sign.
Result<std::string> unescape_name(std::string_view text) {
    std::string name;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '=') {
            name.push_back(text[i]);
            continue;
        }
        auto escape = text.substr(i, 3);
        if (escape != "=2C" && escape != "=3D")
            return scram_error(ErrorCode::bad_request, "invalid-username-encoding",
                               "In a name , is written =2C and = is written =3D.");
        name.push_back(escape == "=2C" ? ',' : '=');
        i += 2;
    }
    if (name.empty())
        return scram_error(ErrorCode::bad_request, "invalid-username-encoding", "The name is empty.");
    return name;
}

Result<void> check_message(std::string_view message) {
    if (message.size() > kMessageBytesMax)
        return scram_error(ErrorCode::bad_request, "other-error", "The message has more than 4096 bytes.");
    if (!is_utf8(message) || message.find('\0') != std::string_view::npos)
        return invalid("The message is not UTF-8, or has a NUL.");
    return {};
}

// The fields to the end of a message: of extensions only those may be there that may be ignored.
Result<void> check_extensions(std::string_view rest, bool more) {
    while (more) {
        more = rest.find(',') != std::string_view::npos;
        auto field = take_field(rest);
        bool letter =
            !field.empty() && ((field[0] >= 'a' && field[0] <= 'z') || (field[0] >= 'A' && field[0] <= 'Z'));
        if (!letter || field.size() < 3 || field[1] != '=')
            return invalid("An extension is written as a letter, = and a value.");
        if (field[0] == 'm')
            return scram_error(ErrorCode::bad_request, "extensions-not-supported",
                               "No mandatory extension is supported.");
    }
    return {};
}

// Takes the GS2 header off a message: how the channel is bound, and as whom the user wants to act.
Result<std::string_view> take_authorization(std::string_view &rest) {
    bool headed = rest.find(',') != std::string_view::npos;
    auto flag = take_field(rest);
    if (value_of(flag, 'p'))
        return scram_error(ErrorCode::bad_request, "channel-binding-not-supported",
                           "Channel binding is not supported: log in without it (n,,).");
    if (!headed || (flag != "n" && flag != "y"))
        return invalid("The message does not begin with n,, or y,, .");
    headed = rest.find(',') != std::string_view::npos;
    auto identity = take_field(rest);
    auto named = value_of(identity, 'a');
    if (!headed || (!identity.empty() && !named))
        return invalid("The message does not begin with n,, or y,, .");
    return named.value_or(std::string_view());
}

} // namespace

Error scram_error(ErrorCode code, std::string_view word, std::string_view reason) {
    return {code, std::string(word), std::string(reason)};
}

bool is_scram_nonce(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != ','; });
}

std::optional<std::string> base64_decode_strict(std::string_view text) {
    auto bytes = base64_decode(text);
    if (bytes && base64_encode(*bytes) != text)
        return std::nullopt;
    return bytes;
}

Result<ScramClientFirst> parse_scram_client_first(std::string_view message) {
    DIVAN_TRY_VOID(check_message(message));
    auto rest = message;
    DIVAN_TRY(auto authorization, take_authorization(rest));
    ScramClientFirst first;
    first.gs2_header = message.substr(0, message.size() - rest.size());
    first.bare = rest;
    auto name = take_field(rest);
    if (value_of(name, 'm'))
        return scram_error(ErrorCode::bad_request, "extensions-not-supported",
                           "No mandatory extension is supported.");
    auto nonce_ends = rest.find(',') != std::string_view::npos;
    auto nonce = value_of(take_field(rest), 'r');
    if (!value_of(name, 'n') || !nonce || !is_scram_nonce(*nonce))
        return invalid("The first message is n,,n=NAME,r=NONCE.");
    DIVAN_TRY(first.username, unescape_name(*value_of(name, 'n')));
    first.nonce = *nonce;
    DIVAN_TRY_VOID(check_extensions(rest, nonce_ends));
    if (!authorization.empty()) {
        DIVAN_TRY(auto identity, unescape_name(authorization));
        if (identity != first.username)
            return scram_error(ErrorCode::bad_request, "other-error",
                               "Nobody acts as somebody else: leave out the a= of the first message.");
    }
    return first;
}

Result<ScramClientFinal> parse_scram_client_final(std::string_view message) {
    DIVAN_TRY_VOID(check_message(message));
    auto end = message.rfind(",p=");
    if (end == std::string_view::npos)
        return invalid("The last message is c=...,r=NONCE,p=PROOF.");
    ScramClientFinal final;
    final.without_proof = message.substr(0, end);
    auto proof = base64_decode_strict(message.substr(end + 3));
    auto rest = final.without_proof;
    auto binding = value_of(take_field(rest), 'c');
    auto nonce_ends = rest.find(',') != std::string_view::npos;
    auto nonce = value_of(take_field(rest), 'r');
    if (!binding || !nonce || !proof || proof->size() != kProofBytes)
        return invalid("The last message is c=...,r=NONCE,p=PROOF, with a proof of 32 bytes in base64.");
    DIVAN_TRY_VOID(check_extensions(rest, nonce_ends));
    final.channel_binding = *binding;
    final.nonce = *nonce;
    final.proof = *std::move(proof);
    return final;
}

} // namespace divan::crypto
