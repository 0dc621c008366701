// Authorization and Cookie headers of strangers: nobody gets in without the admin's password.

#include "access/authenticator.h"
#include "kv/memory/memory_engine.h"
#include "telemetry/log.h"

#include <cstdlib>

namespace {

class NoPool final : public divan::Executor {
  public:
    void post(divan::UniqueFunction<void()> /*work*/) override { std::abort(); }
};

// A server with one admin.
struct Server {
    std::unique_ptr<divan::config::Config> config = divan::config::Config::load({}, "").value();
    divan::ManualClock clock;
    divan::SeededRandom random{1};
    NoPool pool; // of the authenticator: what is quick needs none
    divan::ThreadPool store_pool{1};
    divan::telemetry::Logger log{clock, "", "", divan::telemetry::Level::none};
    std::unique_ptr<divan::kv::Engine> engine = divan::kv::make_memory_engine();
    std::unique_ptr<divan::db::Store> store =
        divan::db::open_store({*engine, store_pool, clock, random}, {}).value();
    divan::access::Admins admins{*config, random};
    divan::access::Users users{*config, admins, *store};
    divan::access::SessionCookies cookies{*config, clock};
    divan::access::Authenticator authenticator{{*config, clock, random, pool, pool, users, cookies, log}};

    Server() {
        if (!config->set("admins", "a", "-pbkdf2:sha256-00,salt,1", false).ok() ||
            !config->set("chttpd_auth", "secret", "secret", false).ok() ||
            !config->set("chttpd", "authentication_handlers", "cookie, default, proxy, jwt", false).ok() ||
            !config->set("chttpd_auth", "proxy_use_secret", "true", false).ok())
            std::abort();
        // In memory from here on.
        if (!store->create("_users", {}).ok() || !users.find("a").ok())
            std::abort();
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    static Server server;
    std::string text(reinterpret_cast<const char *>(data), size);
    for (const char *name : {"Authorization", "Cookie", "X-Auth-CouchDB-Token"}) {
        net::RequestHead head;
        head.headers.add(name, text);
        head.headers.add("X-Auth-CouchDB-UserName", "a");
        auto principal = server.authenticator.authenticate_quickly(head);
        if (principal && principal->ok() && !(*principal)->anonymous())
            std::abort();
        (void)server.authenticator.should_renew(head);
    }
    return 0;
}
