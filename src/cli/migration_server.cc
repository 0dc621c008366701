#include "cli/migration_server.h"

#include "base/encoding.h"
#include "cli/server_answer.h"
#include "json/parser.h"

namespace divan::cli {
namespace {

const json::Value *find(const json::Value *value, std::string_view name) {
    return value != nullptr && value->is_object() ? value->object().find(name) : nullptr;
}

} // namespace

std::string database_path(std::string_view database) {
    return "/" + percent_encode(database);
}

Result<MigrationServer> MigrationServer::open(const EndName &name, const ConnectionOptions &options,
                                              std::optional<Millis> timeout, const Environment &environment) {
    DIVAN_TRY(auto url, net::ServerUrl::parse(name.text));
    DIVAN_TRY(auto end, end_object(name, environment));
    json::Value auth;
    if (const auto *given = end.find("auth"))
        auth = *given;
    if (const auto *basic = find(&auth, "basic")) {
        url.user = find(basic, "username")->string();
        url.password = find(basic, "password")->string();
    }
    net::ClientOptions client{.tls_options = options.tls()};
    if (timeout)
        client.connect_timeout = client.answer_timeout = *timeout;
    return MigrationServer(std::move(url), name.text, std::move(auth), std::move(client));
}

MigrationServer::MigrationServer(net::ServerUrl url, std::string text, json::Value auth,
                                 net::ClientOptions options)
    : url_(std::move(url)), text_(std::move(text)), auth_(std::move(auth)),
      client_(std::make_unique<net::Client>(url_, std::move(options))) {}

Result<json::Value> MigrationServer::ask(const std::string &method, const std::string &target,
                                         const std::string &body) {
    net::ClientRequest request{.method = method, .target = target, .body = body};
    if (const auto *bearer = find(&auth_, "bearer"))
        request.headers.add("Authorization", "Bearer " + bearer->string());
    DIVAN_TRY(auto answer, client_->send(request));
    if (answer.status >= 400)
        return answered_error(answer);
    return json::parse(answer.body);
}

json::Object MigrationServer::end(std::string_view database) const {
    json::Object end;
    end.append("url", database_url(text_, database));
    if (!auth_.is_null())
        end.append("auth", auth_);
    return end;
}

} // namespace divan::cli
