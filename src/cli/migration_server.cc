#include "cli/migration_server.h"

#include "base/encoding.h"
#include "cli/server_answer.h"
#include "json/parser.h"

namespace divan::cli {
namespace {

ErrorCode code_of(int status) {
    switch (status) {
    case 401:
        return ErrorCode::unauthorized;
    case 403:
        return ErrorCode::forbidden;
    case 404:
        return ErrorCode::not_found;
    case 409:
        return ErrorCode::conflict;
    case 412:
        return ErrorCode::precondition_failed;
    default:
        return ErrorCode::bad_request;
    }
}

const json::Value *find(const json::Value *value, std::string_view name) {
    return value != nullptr && value->is_object() ? value->object().find(name) : nullptr;
}

} // namespace

std::string database_path(std::string_view database) {
    return "/" + percent_encode(database);
}

Result<MigrationServer> MigrationServer::open(const EndName &name, const ConnectionOptions &options,
                                              const Environment &environment) {
    DIVAN_TRY(auto url, net::ServerUrl::parse(name.text));
    DIVAN_TRY(auto end, end_object(name, environment));
    json::Value auth;
    if (const auto *given = end.find("auth"))
        auth = *given;
    if (const auto *basic = find(&auth, "basic")) {
        url.user = find(basic, "username")->string();
        url.password = find(basic, "password")->string();
    }
    return MigrationServer(std::move(url), name.text, std::move(auth), options);
}

MigrationServer::MigrationServer(net::ServerUrl url, std::string text, json::Value auth,
                                 const ConnectionOptions &options)
    : url_(std::move(url)), text_(std::move(text)), auth_(std::move(auth)),
      client_(std::make_unique<net::Client>(url_, net::ClientOptions{.tls_options = options.tls()})) {}

Result<json::Value> MigrationServer::ask(const std::string &method, const std::string &target,
                                         const std::string &body) {
    net::ClientRequest request{.method = method, .target = target, .body = body};
    if (const auto *bearer = find(&auth_, "bearer"))
        request.headers.add("Authorization", "Bearer " + bearer->string());
    DIVAN_TRY(auto answer, client_->send(request));
    if (answer.status >= 400)
        return Error(code_of(answer.status), answered_error(answer).reason());
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
