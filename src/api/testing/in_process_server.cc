#include "api/testing/in_process_server.h"

namespace divan::api {

InProcessServer::InProcessServer(kv::Engine &engine, const db::StoreOptions &options)
    : config_(config::Config::load({}, "").value()),
      authenticator_(std::make_unique<access::Authenticator>(*config_, clock_, random_, pool_)),
      store_(db::open_store({engine, pool_, clock_, random_}, options).value()),
      gate_(std::make_unique<access::Gate>(*store_)),
      services_(new Services{*gate_, *authenticator_, *config_, metrics_, log_, pool_, clock_, random_,
                             "test@127.0.0.1", "0123456789abcdef0123456789abcdef", clock_.monotonic(),
                             [] {}}),
      dispatcher_(std::make_unique<Dispatcher>(*services_, all_routes())) {
    for (auto [section, key, value] : {std::tuple{"admins", "admin", authenticator_->hash_password("secret")},
                                       std::tuple{"chttpd_auth", "secret", std::string("shared secret")}})
        DIVAN_CHECK(config_->set_override(section, key, value).ok());
    // A cookie is checked without a slow hash.
    auto cookie = authenticator_->session_cookie("admin");
    cookie_ = cookie.substr(0, cookie.find(';'));
}

InProcessServer::~InProcessServer() {
    pool_.stop(); // what is queued refers to the store
}

Answer InProcessServer::ask(std::string method, std::string target, std::string body, net::Headers headers) {
    net::RequestHead head;
    head.method = std::move(method);
    head.target = std::move(target);
    head.headers = std::move(headers);
    head.headers.add("Host", "localhost");
    head.headers.add("Cookie", cookie_);
    if (!body.empty() && !head.headers.contains("Content-Type"))
        head.headers.add("Content-Type", "application/json");
    head.remote_address = "127.0.0.1";
    InProcessExchange exchange(std::move(head), std::move(body));
    return exchange.serve([this](net::Exchange &served) { return dispatcher_->handle(served); });
}

} // namespace divan::api
