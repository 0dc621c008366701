#include "simulation/asking.h"

#include "net/absolute_url.h"
#include "simulation/simulated_server.h"
#include "json/parser.h"

namespace divan::simulation {

std::string Answered::text(const char *member) const {
    const auto *value = body.is_object() ? body.object().find(member) : nullptr;
    return value != nullptr && value->is_string() ? value->string() : std::string();
}

Task<Answered> Asker::ask(std::string node, std::string method, std::string target, std::string body,
                          std::string content_type) {
    constexpr std::size_t kAnswerBytesMax = 16 << 20;
    net::OutgoingRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers.add("Authorization", net::basic_credentials(kUser, kPassword));
    request.headers.add("Content-Type", std::move(content_type));
    request.body = std::move(body);
    net::Destination destination;
    destination.host = std::move(node);
    Answered answered;
    auto answer = co_await client_->send(destination, std::move(request), stopped_);
    if (!answer.ok())
        co_return answered;
    auto text = co_await (*answer)->read_all(kAnswerBytesMax);
    if (!text.ok())
        co_return answered;
    answered.status = (*answer)->status();
    if (auto value = json::parse(*text); value.ok())
        answered.body = std::move(*value);
    co_return answered;
}

Task<void> Asker::pause(Millis time) {
    ignore_error(co_await pause_for(loop_, time, stopped_), "whoever pauses looks whether to go on");
}

} // namespace divan::simulation
