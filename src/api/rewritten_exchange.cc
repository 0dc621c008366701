#include "api/rewritten_exchange.h"

namespace divan::api {

Task<Result<std::string>> RewrittenExchange::TextBody::read_some(std::size_t bytes_max) {
    auto part = text_.substr(read_, bytes_max);
    read_ += part.size();
    co_return part;
}

RewrittenExchange::RewrittenExchange(net::Exchange &original, RewrittenRequest request)
    : original_(original), head_(std::move(request.head)) {
    if (request.body)
        body_.emplace(std::move(*request.body));
}

net::BodyReader &RewrittenExchange::body() {
    return body_ ? static_cast<net::BodyReader &>(*body_) : original_.body();
}

Task<net::Wake> RewrittenExchange::wait(std::shared_ptr<Event> event, Millis timeout) {
    co_return co_await original_.wait(std::move(event), timeout);
}

} // namespace divan::api
