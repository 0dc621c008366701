#include "api/testing/in_process_server.h"

namespace divan::api {

InProcessServer::InProcessServer(kv::Engine &engine, const db::StoreOptions &options,
                                 std::vector<Route> routes)
    : config_(config::Config::load({}, "").value()), scripts_({.command = {DIVAN_PROGRAM, "script-worker"}}),
      views_(views::make_views({scripts_, designs_, log_, clock_}, {})),
      store_(db::open_store({engine, pool_, clock_, random_, &guard_}, options).value()),
      gate_(std::make_unique<access::Gate>(*store_, *config_)),
      users_(std::make_unique<access::Users>(*config_, admins_, *store_)),
      authenticator_(new access::Authenticator({.config = *config_,
                                                .clock = clock_,
                                                .random = random_,
                                                .engine_pool = pool_,
                                                .login_pool = pool_,
                                                .users = *users_,
                                                .cookies = cookies_,
                                                .log = log_,
                                                .policies = &gate_->policies()})),
      services_(new Services{
          .gate = *gate_,
          .authenticator = *authenticator_,
          .admins = admins_,
          .config = *config_,
          .designs = designs_,
          .metrics = metrics_,
          .log = log_,
          .engine_pool = pool_,
          .view_pool = view_pool_,
          .scripts = scripts_,
          .views = *views_,
          .clock = clock_,
          .random = random_,
          .node_name = "test@127.0.0.1",
          .started_at = clock_.monotonic(),
      }),
      dispatcher_(std::make_unique<Dispatcher>(*services_, std::move(routes))) {
    DIVAN_CHECK(config_->set_override("chttpd_auth", "secret", "shared secret").ok());
    DIVAN_CHECK(config_->set("admins", "admin", "open sesame", false).ok());
    DIVAN_CHECK(admins_.hash_plain_admins().ok());
    // In memory, as in a server that has served somebody.
    DIVAN_CHECK(users_->find("admin").ok());
    DIVAN_CHECK(gate_->policies().current().ok());
    gate_->policies().set_users(*users_);
    write_guard_.set_policies(gate_->policies());
    // A cookie is checked without a slow hash.
    auto salt = crypto::parse_password_hash(admins_.find("admin")->reveal())->salt;
    auto cookie = cookies_.make("admin", salt, false);
    cookie_ = cookie.substr(0, cookie.find(';'));
}

InProcessServer::~InProcessServer() {
    views_.reset();
    view_pool_.stop();
    pool_.stop(); // what is queued refers to the store
}

std::string InProcessServer::cookie_of(const std::string &name) {
    auto cookie = cookies_.make(name, users_->find(name).value()->salt, false);
    return cookie.substr(0, cookie.find(';'));
}

Answer InProcessServer::ask(std::string method, std::string target, std::string body, net::Headers headers) {
    net::RequestHead head;
    head.method = std::move(method);
    head.target = std::move(target);
    head.headers = std::move(headers);
    head.headers.add("Host", "localhost");
    if (head.headers.find("Authorization") == std::optional<std::string_view>(""))
        head.headers.erase("Authorization");
    else if (!head.headers.contains("Authorization") && !head.headers.contains("Cookie"))
        head.headers.add("Cookie", cookie_);
    if (!body.empty() && !head.headers.contains("Content-Type"))
        head.headers.add("Content-Type", "application/json");
    head.remote_address = "127.0.0.1";
    InProcessExchange exchange(std::move(head), std::move(body));
    return exchange.serve([this](net::Exchange &served) { return dispatcher_->handle(served); });
}

} // namespace divan::api
