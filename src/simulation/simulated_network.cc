#include "simulation/simulated_network.h"

#include "simulation/simulated_exchange.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::simulation {
namespace {

constexpr std::size_t kToldBytesMax = 4'000;

std::pair<std::string, std::string> in_order(const std::string &a, const std::string &b) {
    return a < b ? std::pair(a, b) : std::pair(b, a);
}

Error closed_error(const std::string &host) {
    return {ErrorCode::service_unavailable, "The connection to " + host + " was closed."};
}

// Sends the body of a request until it is through, the answer is there, or the connection breaks.
Task<void> send_body(std::shared_ptr<Link> link, net::OutgoingRequest &request,
                     std::optional<Error> &stream_error) {
    auto &stream = link->to_server;
    if (!request.stream) {
        auto written = co_await link->write(stream, std::move(request.body));
        if (written.ok())
            link->end(stream);
        co_return;
    }
    while (!stream.stopped) {
        auto bytes = co_await request.stream();
        if (!bytes.ok()) {
            stream_error = bytes.error();
            link->break_off();
            co_return;
        }
        if (bytes->empty()) {
            link->end(stream);
            co_return;
        }
        auto written = co_await link->write(stream, std::move(*bytes));
        if (!written.ok())
            co_return;
    }
}

Task<void> answer_with(net::Exchange &exchange, int status) {
    net::ResponseHead head;
    head.status = status;
    head.headers.add("Content-Type", "application/json");
    auto body = std::string(R"({"error":"not_now","reason":"The simulation says so."})");
    ignore_error(co_await exchange.response().send(std::move(head), std::move(body)), "the client is gone");
}

Task<void> run_exchange(std::shared_ptr<SimulatedNetwork::Handler> handler,
                        std::shared_ptr<SimulatedExchange> exchange, int answered) {
    if (answered != 0)
        co_await answer_with(*exchange, answered);
    else
        co_await (*handler)(*exchange);
    exchange->close();
}

} // namespace

// ---- the client's side

class SimulatedNetwork::Answer final : public net::IncomingResponse {
  public:
    Answer(std::string host, std::shared_ptr<Link> link, Cancellation &cancellation, Millis idle_timeout,
           Cancellation::Registration by_caller)
        : host_(std::move(host)), link_(std::move(link)), cancellation_(cancellation),
          idle_timeout_(idle_timeout), by_caller_(std::move(by_caller)) {}
    ~Answer() override {
        if (!complete_)
            link_->break_off();
    }

    [[nodiscard]] int status() const override { return link_->head()->status; }
    [[nodiscard]] const net::Headers &headers() const override { return link_->head()->headers; }
    [[nodiscard]] std::uint64_t received_bytes() const override { return received_bytes_; }
    [[nodiscard]] std::optional<std::uint64_t> length() const override { return std::nullopt; }
    Task<Result<std::string>> read_some(std::size_t bytes_max) override {
        auto bytes = co_await link_->read(link_->to_client, bytes_max, idle_timeout_);
        if (bytes.ok()) {
            received_bytes_ += bytes->size();
            complete_ = bytes->empty();
            co_return bytes;
        }
        if (cancellation_.cancelled())
            co_return ErrorCode::cancelled;
        if (bytes.error().code() == ErrorCode::request_timeout)
            co_return bytes;
        co_return closed_error(host_);
    }

  private:
    const std::string host_;
    std::shared_ptr<Link> link_;
    Cancellation &cancellation_;
    const Millis idle_timeout_;
    Cancellation::Registration by_caller_;
    std::uint64_t received_bytes_ = 0;
    bool complete_ = false;
};

class SimulatedNetwork::Client final : public net::HttpClient {
  public:
    Client(SimulatedNetwork &network, std::string host) : network_(network), host_(std::move(host)) {}
    Task<Result<std::unique_ptr<net::IncomingResponse>>> send(const net::Destination &destination,
                                                              net::OutgoingRequest request,
                                                              Cancellation &cancellation) override {
        return network_.send(host_, destination.host, std::move(request), cancellation);
    }

  private:
    SimulatedNetwork &network_;
    const std::string host_;
};

std::unique_ptr<net::HttpClient> SimulatedNetwork::client(std::string host) {
    return std::make_unique<Client>(*this, std::move(host));
}

Task<Result<std::unique_ptr<net::IncomingResponse>>> SimulatedNetwork::send(std::string from, std::string to,
                                                                            net::OutgoingRequest request,
                                                                            Cancellation &cancellation) {
    if (cancellation.cancelled())
        co_return ErrorCode::cancelled;
    note(from, to, request);
    auto fate = draw_fate();
    auto travelled = co_await pause_for(loop_, dice_.between(Millis(0), fate.plan.latency_max), cancellation);
    if (!travelled.ok())
        co_return ErrorCode::cancelled;
    if (fate.refused || !reaches(from, to))
        co_return Error(ErrorCode::service_unavailable, "No connection to " + to + ".");
    auto link = connect(from, to, fate.plan);
    auto by_caller = cancellation.on_cancel([link] { link->break_off(); });
    if (!fate.silent)
        serve(to, link, request, fate.answered);

    std::optional<Error> stream_error;
    TaskGroup sending(loop_);
    sending.start(send_body(link, request, stream_error));
    auto head = co_await link->await_head(request.idle_timeout);
    if (!head.ok())
        link->break_off();
    Link::stop(link->to_server);
    co_await sending.join();
    if (cancellation.cancelled())
        co_return ErrorCode::cancelled;
    if (stream_error)
        co_return *stream_error;
    if (!head.ok()) {
        if (head.error().code() == ErrorCode::request_timeout)
            co_return head.error();
        co_return closed_error(to);
    }
    std::unique_ptr<net::IncomingResponse> answer =
        std::make_unique<Answer>(to, link, cancellation, request.idle_timeout, std::move(by_caller));
    co_return std::move(answer);
}

SimulatedNetwork::Fate SimulatedNetwork::draw_fate() {
    Fate fate;
    fate.refused = dice_.permille(faults_.refused);
    fate.silent = dice_.permille(faults_.silent);
    if (dice_.permille(faults_.answered))
        fate.answered = dice_.pick(std::vector<int>{429, 500, 503});
    if (dice_.permille(faults_.cut_request))
        fate.plan.cut_request_at = dice_.below(2'000);
    if (dice_.permille(faults_.lost_answer))
        fate.plan.cut_response_at = 0;
    else if (dice_.permille(faults_.cut_response))
        fate.plan.cut_response_at = 1 + dice_.below(2'000);
    if (dice_.permille(faults_.slow))
        fate.plan.latency_max = Millis(4'000);
    return fate;
}

void SimulatedNetwork::note(const std::string &from, const std::string &to,
                            const net::OutgoingRequest &request) {
    if (told_)
        told_(fmt::format("{} to {}: {} {} {}", from, to, request.method, request.target,
                          std::string_view(request.body).substr(0, kToldBytesMax)));
    auto add = [this](std::string_view text) {
        for (unsigned char byte : text)
            trace_ = (trace_ ^ byte) * 1'099'511'628'211U;
    };
    add(std::to_string(loop_.clock().now().count()));
    for (auto text : {&from, &to, &request.method, &request.target, &request.body})
        add(*text);
}

// ---- the server's side

void SimulatedNetwork::serve(const std::string &to, std::shared_ptr<Link> link,
                             const net::OutgoingRequest &request, int answered) {
    net::RequestHead head;
    head.method = request.method;
    head.target = request.target;
    head.headers = request.headers;
    head.headers.set("Host", to);
    head.remote_address = "10.0.0.1";
    std::optional<std::uint64_t> length = request.body.size();
    if (request.stream)
        length = request.stream_length;
    if (length && (*length > 0 || request.stream))
        head.headers.set("Content-Length", std::to_string(*length));
    auto exchange = std::make_shared<SimulatedExchange>(loop_, std::move(link), std::move(head), length);
    ++running_[to];
    spawn(run_exchange(hosts_.at(to), std::move(exchange), answered), [this, to] { --running_[to]; });
}

// ---- who reaches whom

void SimulatedNetwork::attach(const std::string &host, Handler handler) {
    hosts_[host] = std::make_shared<Handler>(std::move(handler));
    detached_.erase(host);
}

void SimulatedNetwork::detach(const std::string &host) {
    hosts_.erase(host);
    detached_.insert(host);
    break_links([&](const Entry &entry) { return entry.from == host || entry.to == host; });
}

std::size_t SimulatedNetwork::running(const std::string &host) const {
    auto found = running_.find(host);
    return found == running_.end() ? 0 : found->second;
}

void SimulatedNetwork::part(const std::string &a, const std::string &b) {
    parted_.insert(in_order(a, b));
    break_links([&](const Entry &entry) { return in_order(entry.from, entry.to) == in_order(a, b); });
}

void SimulatedNetwork::join(const std::string &a, const std::string &b) {
    parted_.erase(in_order(a, b));
}

bool SimulatedNetwork::reaches(const std::string &from, const std::string &to) const {
    return hosts_.contains(to) && !detached_.contains(from) && !parted_.contains(in_order(from, to));
}

std::shared_ptr<Link> SimulatedNetwork::connect(const std::string &from, const std::string &to,
                                                const LinkPlan &plan) {
    std::erase_if(links_, [](const Entry &entry) { return entry.link.expired(); });
    auto link = std::make_shared<Link>(loop_, dice_.fork(), plan);
    links_.push_back({from, to, link});
    return link;
}

template <typename Which> void SimulatedNetwork::break_links(Which which) {
    for (const auto &entry : links_)
        if (auto link = entry.link.lock(); link && which(entry))
            link->break_off();
}

} // namespace divan::simulation
