#include "access/second_factor.h"

#include "base/encoding.h"
#include "crypto/digest.h"

#include <algorithm>

namespace divan::access {
namespace {

constexpr std::size_t kKeyBytes = 20; // RFC 4226: as long as the hash
constexpr std::size_t kRecoveryCodeCount = 10;
constexpr std::size_t kRecoveryCodeBytes = 10; // 80 bits: too many to try, so a fast hash will do
constexpr std::size_t kWaitingMax = 10'000;
constexpr std::size_t kUsedStepsMax = 10'000;
constexpr std::chrono::minutes kWaitingTime{10};

struct Stored {
    std::string key; // raw
    crypto::TotpParameters parameters;
    json::Array recovery_codes;
};

// nullopt for a factor that cannot be understood: nobody has its codes.
std::optional<Stored> read_stored(const User &user) {
    const auto *totp = user.document.find("totp");
    if (totp == nullptr || !totp->is_object())
        return std::nullopt;
    const auto &members = totp->object();
    Stored stored;
    const auto *key = members.find("key");
    auto decoded = key != nullptr && key->is_string() ? base32_decode(key->string()) : std::nullopt;
    if (!decoded || decoded->empty())
        return std::nullopt;
    stored.key = std::move(*decoded);
    if (const auto *algorithm = members.find("algorithm")) {
        auto function = algorithm->is_string() ? crypto::hash_function(algorithm->string()) : std::nullopt;
        if (!function)
            return std::nullopt;
        stored.parameters.function = *function;
    }
    if (const auto *length = members.find("length")) {
        auto digits = length->as_int64();
        if (!digits || *digits < crypto::kTotpDigitsMin || *digits > crypto::kTotpDigitsMax)
            return std::nullopt;
        stored.parameters.digits = static_cast<unsigned>(*digits);
    }
    if (const auto *codes = members.find("recovery_codes"); codes != nullptr && codes->is_array())
        stored.recovery_codes = codes->array();
    return stored;
}

// In the way people write them: small letters, in groups.
std::string show_recovery_code(std::string_view bytes) {
    auto text = base32_encode(bytes);
    std::string shown;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i > 0 && i % 4 == 0)
            shown.push_back('-');
        shown.push_back(text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i]);
    }
    return shown;
}

std::string hash_recovery_code(std::string_view code) {
    std::string plain;
    for (char c : code)
        if (c != '-' && c != ' ')
            plain.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
    return hex_encode(crypto::sha256(plain));
}

// Which of the codes it is; all are compared.
std::optional<std::size_t> find_recovery_code(const json::Array &codes, std::string_view token) {
    std::optional<std::size_t> found;
    auto wanted = hash_recovery_code(token);
    for (std::size_t i = 0; i < codes.size(); ++i)
        if (codes[i].is_string() && crypto::constant_time_equal(codes[i].string(), wanted))
            found = i;
    return found;
}

} // namespace

bool has_second_factor(const User &user) {
    return user.document.contains("totp");
}

bool SecondFactors::use_step(const std::string &name, std::uint64_t step) {
    std::lock_guard lock(mutex_);
    auto &newest = used_steps_[name];
    if (newest >= step)
        return false;
    newest = step;
    // Codes of steps before these are too old anyway.
    if (used_steps_.size() > kUsedStepsMax)
        std::erase_if(used_steps_, [step](const auto &used) { return used.second + 4 < step; });
    return true;
}

bool SecondFactors::verify(const User &user, std::string_view token, std::optional<json::Object> &used) {
    auto stored = read_stored(user);
    if (!stored || token.empty())
        return false;
    if (auto step = crypto::verify_totp(stored->parameters, stored->key, token, clock_.now()))
        return use_step(user.name, *step);
    auto code = find_recovery_code(stored->recovery_codes, token);
    if (!code)
        return false;
    auto document = user.document;
    auto codes = std::move(stored->recovery_codes);
    codes.erase(codes.begin() + static_cast<std::ptrdiff_t>(*code));
    document.find("totp")->object().set("recovery_codes", std::move(codes));
    used = std::move(document);
    return true;
}

Result<Enrolment> SecondFactors::enrol(const std::string &name, std::string_view issuer) {
    auto bytes = random_.bytes(kKeyBytes);
    auto key = crypto::Secret::take(bytes);
    DIVAN_TRY(auto uri, crypto::totp_uri(crypto::TotpParameters(), key.reveal(), issuer, name));
    Enrolment enrolment{base32_encode(key.reveal()), std::string(uri.reveal())};
    auto now = clock_.monotonic();
    std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [now](const auto &entry) { return entry.second.until <= now; });
    if (waiting_.size() >= kWaitingMax && !waiting_.contains(name))
        return Error(ErrorCode::service_unavailable, "Too many enrolments at once: try again later.");
    waiting_.insert_or_assign(name, Waiting{std::move(key), now + kWaitingTime});
    return enrolment;
}

Result<SecondFactors::Confirmed> SecondFactors::confirm(const User &user, std::string_view token) {
    std::string key;
    {
        std::lock_guard lock(mutex_);
        auto found = waiting_.find(user.name);
        if (found == waiting_.end() || found->second.until <= clock_.monotonic())
            return Error(ErrorCode::bad_request,
                         "No key waits for its first code: ask for one with POST /_session/_totp.");
        key = found->second.key.reveal();
    }
    auto step = crypto::verify_totp(crypto::TotpParameters(), key, token, clock_.now());
    if (!step || !use_step(user.name, *step))
        return Error(ErrorCode::bad_request, "This code was not made with the key, or the clocks differ by "
                                             "more than 30 seconds.");
    Confirmed confirmed{user.document, {}};
    json::Array hashes;
    for (std::size_t i = 0; i < kRecoveryCodeCount; ++i) {
        confirmed.recovery_codes.push_back(show_recovery_code(random_.bytes(kRecoveryCodeBytes)));
        hashes.emplace_back(hash_recovery_code(confirmed.recovery_codes.back()));
    }
    json::Object totp;
    totp.append("key", base32_encode(key));
    totp.append("algorithm", "sha");
    totp.append("length", 6);
    totp.append("recovery_codes", std::move(hashes));
    confirmed.document.set("totp", std::move(totp));
    crypto::cleanse(key);
    std::lock_guard lock(mutex_);
    waiting_.erase(user.name);
    return confirmed;
}

} // namespace divan::access
