#include "access/scram_logins.h"

#include "base/encoding.h"
#include "config/config.h"

#include <algorithm>

namespace divan::access {
namespace {

constexpr std::chrono::seconds kWaitingTime{60};
constexpr std::size_t kNonceBytes = 24;
constexpr std::size_t kSessionIdBytes = 18;

} // namespace

std::optional<crypto::ScramVerifier> scram_verifier_of(const User &user) {
    if (!user.password || user.password->scheme != crypto::PasswordHash::Scheme::pbkdf2 ||
        user.password->prf != crypto::HashFunction::sha256)
        return std::nullopt;
    const auto &hash = *user.password;
    auto verifier = crypto::scram_verifier_from_salted_password(hash.key, hash.salt, hash.iterations);
    return verifier.ok() ? std::optional(std::move(*verifier)) : std::nullopt;
}

Result<std::string> ScramLogins::begin(crypto::ScramClientFirst first, const User *user) {
    auto verifier = user != nullptr ? scram_verifier_of(*user) : std::nullopt;
    if (!verifier) {
        auto iterations =
            std::max<std::int64_t>(crypto::kScramIterationsMin, config_.integer("chttpd_auth", "iterations"));
        verifier = crypto::fake_scram_verifier(config_.secret("chttpd_auth", "secret")->reveal(),
                                               first.username, static_cast<std::uint32_t>(iterations));
    }
    auto name = first.username;
    Begun begun{std::move(name), user != nullptr ? user->salt : std::string(),
                crypto::ScramServer(std::move(first), std::move(*verifier),
                                    base64_encode(random_.bytes(kNonceBytes)))};
    auto id = base64_url_encode(random_.bytes(kSessionIdBytes));
    auto challenge = scram_challenge(id, begun.server.server_first());
    auto now = clock_.monotonic();
    std::lock_guard lock(mutex_);
    auto waiting_max = static_cast<std::size_t>(config_.integer("divan", "scram_logins_max"));
    if (waiting_.size() >= waiting_max)
        std::erase_if(waiting_, [now](const auto &entry) { return entry.second.until <= now; });
    if (waiting_.size() >= waiting_max)
        return Error(ErrorCode::service_unavailable, "Too many logins at once: try again later.");
    waiting_.emplace(std::move(id), Waiting{std::move(begun), now + kWaitingTime});
    return challenge;
}

std::optional<ScramLogins::Begun> ScramLogins::take(const std::string &session_id) {
    std::lock_guard lock(mutex_);
    auto found = waiting_.find(session_id);
    if (found == waiting_.end())
        return std::nullopt;
    auto waiting = std::move(found->second);
    waiting_.erase(found);
    return waiting.until > clock_.monotonic() ? std::optional(std::move(waiting.begun)) : std::nullopt;
}

} // namespace divan::access
