#include "cli/index_command.h"

#include "base/encoding.h"
#include "cli/index_progress.h"
#include "cli/server_answer.h"
#include "net/client.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <future>
#include <unistd.h>
#include <vector>

namespace divan::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
constexpr const char *kDefaultUrl = "http://127.0.0.1:5984";
// A view is asked for until it is built.
constexpr Millis kBuildTimeout{7 * 24 * 3'600'000LL};
constexpr Millis kLookInterval{500};
// Between two lines for those who read a log.
constexpr double kLineIntervalSeconds = 5;
constexpr std::string_view kDesignPrefix = "_design/";

struct DesignViews {
    std::string id;   // "_design/users"
    std::string view; // one of them: all are built together
};

Result<json::Value> get(net::Client &client, std::string target) {
    DIVAN_TRY(auto answer, client.send({.target = std::move(target)}));
    if (answer.status != 200)
        return answered_error(answer);
    return json::parse(answer.body);
}

// The views that a design document has; nullopt if there are none.
std::optional<DesignViews> views_of(const json::Value &document) {
    if (!document.is_object())
        return std::nullopt;
    const auto *id = document.object().find("_id");
    const auto *views = document.object().find("views");
    if (id == nullptr || !id->is_string() || views == nullptr || !views->is_object())
        return std::nullopt;
    for (const auto &view : views->object())
        if (view.value.is_object() && view.value.object().contains("map"))
            return DesignViews{id->string(), view.key};
    return std::nullopt;
}

class Indexing {
  public:
    Indexing(net::ServerUrl url, const IndexCommand &command)
        : url_(std::move(url)), command_(command), client_(url_),
          on_terminal_(!command.json && isatty(STDOUT_FILENO) != 0) {}

    int run() {
        auto documents = find();
        if (!documents.ok()) {
            fmt::print(stderr, "divan: {}\n", explained(documents.error()));
            return kFailed;
        }
        bool all_built = true;
        for (const auto &document : *documents)
            all_built &= build(document);
        if (command_.json)
            fmt::print("{{\"database\":{},\"design_documents\":[{}]}}\n", quoted(command_.database),
                       json_rows_);
        else if (documents->empty())
            fmt::print("{}: no design document has views\n", command_.database);
        return all_built ? 0 : kFailed;
    }

  private:
    static std::string quoted(std::string_view text) {
        std::string out;
        json::write_string(out, text);
        return out;
    }

    static std::string explained(const Error &error) {
        if (error.code() != ErrorCode::unauthorized)
            return error.reason();
        return error.reason() + (error.reason().ends_with('.') ? "" : ".") +
               " Give NAME:PASSWORD in the URL of --url or DIVAN_URL.";
    }

    std::string database_path() const { return "/" + percent_encode(command_.database); }

    static std::string design_path(std::string_view id) {
        return fmt::format("/_design/{}", percent_encode(id.substr(kDesignPrefix.size())));
    }

    Result<std::vector<DesignViews>> find() {
        std::vector<DesignViews> found;
        if (!command_.design_document.empty()) {
            auto id = command_.design_document;
            if (!id.starts_with(kDesignPrefix))
                id.insert(0, kDesignPrefix);
            DIVAN_TRY(auto document, get(client_, database_path() + design_path(id)));
            auto views = views_of(document);
            if (!views)
                return Error(ErrorCode::bad_request, fmt::format("{} has no views.", id));
            found.push_back(std::move(*views));
            return found;
        }
        DIVAN_TRY(auto listing, get(client_, database_path() + "/_design_docs?include_docs=true"));
        const auto *rows = listing.is_object() ? listing.object().find("rows") : nullptr;
        if (rows == nullptr || !rows->is_array())
            return Error(ErrorCode::bad_request, "The server's answer is no list of design documents.");
        for (const auto &row : rows->array()) {
            const auto *document = row.is_object() ? row.object().find("doc") : nullptr;
            auto views = document != nullptr ? views_of(*document) : std::nullopt;
            if (views)
                found.push_back(std::move(*views));
        }
        return found;
    }

    // Asks for no rows of a view: the answer comes when the index is built.
    Result<void> ask(const DesignViews &document) const {
        net::Client client(url_, {.answer_timeout = kBuildTimeout});
        DIVAN_TRY(auto rows,
                  get(client, fmt::format("{}{}/_view/{}?limit=0&reduce=false", database_path(),
                                          design_path(document.id), percent_encode(document.view))));
        return {};
    }

    // Whether the views are built now, or this server does not build such views.
    bool build(const DesignViews &document) {
        auto name = command_.database + "/" + document.id;
        auto begin = std::chrono::steady_clock::now();
        auto seconds = [&] { return IndexProgress::Seconds(std::chrono::steady_clock::now() - begin); };
        auto asked = std::async(std::launch::async, [&] { return ask(document); });
        IndexProgress progress;
        double line_at = 0;
        while (asked.wait_for(kLookInterval) != std::future_status::ready) {
            look(document.id, progress, seconds());
            if (on_terminal_) {
                show(fmt::format("{}  {}", name, progress.percent() ? progress.bar() : "waiting"));
            } else if (!command_.json && seconds().count() - line_at >= kLineIntervalSeconds) {
                line_at = seconds().count();
                fmt::print("{}: {}\n", name, progress.percent() ? progress.text() : "waiting");
                std::fflush(stdout);
            }
        }
        auto built = asked.get();
        if (on_terminal_)
            show("");
        bool skipped = !built.ok() && built.error().code() == ErrorCode::not_implemented;
        report(name, document.id, built, skipped, seconds().count());
        return built.ok() || skipped;
    }

    // What is known of the build; without the rights to ask it goes on unseen.
    void look(const std::string &id, IndexProgress &progress, IndexProgress::Seconds now) {
        auto tasks = get(client_, "/_active_tasks");
        if (!tasks.ok() || !tasks->is_array())
            return;
        for (const auto &task : tasks->array()) {
            if (!task.is_object() || member(task, "type") != "indexer" ||
                member(task, "database") != command_.database)
                continue;
            // An index that design documents share is shown with one of them.
            bool mine = member(task, "design_document") == id;
            auto done = number(task, "changes_done");
            auto total = number(task, "total_changes");
            if (mine || tasks->array().size() == 1) {
                progress.update(done, total, now);
                return;
            }
        }
    }

    static std::string member(const json::Value &task, const char *name) {
        const auto *value = task.object().find(name);
        return value != nullptr && value->is_string() ? value->string() : std::string();
    }

    static std::uint64_t number(const json::Value &task, const char *name) {
        const auto *value = task.object().find(name);
        auto found = value != nullptr ? value->as_int64() : std::nullopt;
        return static_cast<std::uint64_t>(std::max<std::int64_t>(0, found.value_or(0)));
    }

    // Replaces the line on the terminal.
    static void show(const std::string &line) {
        fmt::print("\r\033[K{}", line);
        std::fflush(stdout);
    }

    void report(const std::string &name, const std::string &id, const Result<void> &built, bool skipped,
                double seconds) {
        if (command_.json) {
            json_rows_ += fmt::format("{}{{\"id\":{},\"ok\":{},\"seconds\":{:.1f}",
                                      json_rows_.empty() ? "" : ",", quoted(id), built.ok(), seconds);
            if (!built.ok())
                json_rows_ +=
                    fmt::format(",\"skipped\":{},\"reason\":{}", skipped, quoted(built.error().reason()));
            json_rows_ += "}";
        } else if (built.ok()) {
            fmt::print("{}: up to date, {:.1f} s\n", name, seconds);
        } else if (skipped) {
            fmt::print("{}: skipped, {}\n", name, built.error().reason());
        } else {
            fmt::print(stderr, "divan: {}: {}\n", name, built.error().reason());
        }
        std::fflush(stdout);
    }

    net::ServerUrl url_;
    const IndexCommand &command_;
    net::Client client_;
    bool on_terminal_;
    std::string json_rows_;
};

} // namespace

int run_index(const IndexCommand &command) {
    auto text = command.url;
    if (const char *given = std::getenv("DIVAN_URL"); text.empty() && given != nullptr)
        text = given;
    auto url = net::ServerUrl::parse(text.empty() ? kDefaultUrl : text);
    if (!url.ok()) {
        fmt::print(stderr, "divan: {}\n", url.error().reason());
        return kWrongUsage;
    }
    return Indexing(std::move(*url), command).run();
}

} // namespace divan::cli
