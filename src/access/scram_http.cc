#include "access/scram_http.h"

#include "base/encoding.h"
#include "crypto/scram.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::size_t kHeaderBytesMax = 8192;

Error malformed() {
    return {ErrorCode::bad_request,
            "The SCRAM credentials are malformed: they are realm=\"...\",data=... or sid=...,data=... ."};
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char &c : out)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

// Reads name=value pairs between commas. Data in base64 are no token of HTTP, so a value without quotes goes
// on to the next comma or space.
class ParameterReader {
  public:
    explicit ParameterReader(std::string_view text) : rest_(text) { skip_space(); }

    [[nodiscard]] bool at_end() const { return rest_.empty(); }

    // The next pair, and the comma behind it; nullopt if it is malformed.
    std::optional<std::pair<std::string, std::string>> next() {
        auto equals = rest_.find('=');
        if (equals == std::string_view::npos || equals == 0)
            return std::nullopt;
        auto name = lower(rest_.substr(0, equals));
        if (!std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; }))
            return std::nullopt;
        rest_.remove_prefix(equals + 1);
        auto value = rest_.starts_with('"') ? take_quoted() : take_plain();
        skip_space();
        if (!value || (!rest_.empty() && !take_comma()))
            return std::nullopt;
        return std::pair(std::move(name), *std::move(value));
    }

  private:
    void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

    // False if there is none, or nothing behind it.
    bool take_comma() {
        if (!rest_.starts_with(','))
            return false;
        rest_.remove_prefix(1);
        skip_space();
        return !rest_.empty();
    }

    std::optional<std::string> take_plain() {
        auto value = rest_.substr(0, rest_.find_first_of(", \t\""));
        rest_.remove_prefix(value.size());
        return std::string(value);
    }

    std::optional<std::string> take_quoted() {
        std::string value;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '"') {
                rest_.remove_prefix(i + 1);
                return value;
            }
            if (rest_[i] == '\\' && ++i == rest_.size())
                break;
            value.push_back(rest_[i]);
        }
        return std::nullopt;
    }

    std::string_view rest_;
};

Result<ScramCredentials> read_parameters(std::string_view text) {
    std::optional<std::string> realm, session_id, data;
    ParameterReader reader(text);
    while (!reader.at_end()) {
        auto pair = reader.next();
        if (!pair)
            return malformed();
        auto *known = pair->first == "realm"  ? &realm
                      : pair->first == "sid"  ? &session_id
                      : pair->first == "data" ? &data
                                              : nullptr;
        if (known != nullptr && *known)
            return malformed();
        if (known != nullptr)
            *known = std::move(pair->second);
    }
    auto message = base64_decode(data.value_or(""));
    if (!message || message->empty())
        return malformed();
    return ScramCredentials{realm.value_or(""), session_id.value_or(""), *std::move(message)};
}

} // namespace

std::optional<Result<ScramCredentials>> parse_scram_credentials(std::string_view authorization) {
    auto scheme = authorization.substr(0, authorization.find(' '));
    if (lower(scheme) != lower(crypto::kScramMechanism))
        return std::nullopt;
    if (authorization.size() > kHeaderBytesMax)
        return malformed();
    return read_parameters(authorization.substr(scheme.size()));
}

std::string scram_offer(std::string_view realm) {
    std::string quoted;
    for (char c : realm) {
        if (c == '"' || c == '\\')
            quoted.push_back('\\');
        quoted.push_back(c);
    }
    return fmt::format("{} realm=\"{}\"", crypto::kScramMechanism, quoted);
}

std::string scram_challenge(std::string_view session_id, std::string_view message) {
    return fmt::format("{} {}", crypto::kScramMechanism, scram_authentication_info(session_id, message));
}

std::string scram_authentication_info(std::string_view session_id, std::string_view message) {
    return fmt::format("sid={},data={}", session_id, base64_encode(message));
}

} // namespace divan::access
