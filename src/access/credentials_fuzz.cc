// Authorization and Cookie headers of strangers: nobody gets in without the admin's password.

#include "access/authenticator.h"

#include <cstdlib>

namespace {

class NoPool final : public divan::Executor {
  public:
    void post(divan::UniqueFunction<void()> /*work*/) override { std::abort(); }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    static auto config = config::Config::load({}, "").value();
    static ManualClock clock;
    static SeededRandom random(1);
    static NoPool pool;
    static access::Authenticator authenticator(*config, clock, random, pool);
    static bool prepared = [] {
        return config->set("admins", "a", "-pbkdf2:sha256-00,salt,1", false).ok() &&
               config->set("chttpd_auth", "secret", "secret", false).ok();
    }();
    if (!prepared)
        std::abort();

    std::string_view text(reinterpret_cast<const char *>(data), size);
    for (const auto &credentials : {access::Credentials{text, {}}, access::Credentials{{}, text}}) {
        auto principal = authenticator.authenticate_quickly(credentials);
        if (principal && principal->ok() && !(*principal)->anonymous())
            std::abort();
    }
    (void)authenticator.should_renew(text);
    return 0;
}
