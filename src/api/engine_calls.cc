#include "api/engine_calls.h"

#include "api/audit_notes.h"

#include "design/design_check.h"
#include "doc/document_id.h"
#include "selector/limits.h"
#include "telemetry/log.h"
#include "json/writer.h"

#include <fmt/format.h>

namespace divan::api {

Task<std::vector<Result<db::Written>>> write_documents(Call &call, std::vector<db::Edit> edits) {
    using Answers = std::vector<Result<db::Written>>;
    co_return co_await suspend<Answers>([&call, &edits](Resume<Answers> resume) {
        auto &home = call.exchange().executor();
        call.database->write(
            std::move(edits), db::WriteContext::user(user_context_json(call), audit_origin(call)),
            [&home, resume](Answers answers) {
                home.post([resume, answers = std::move(answers)]() mutable { resume(std::move(answers)); });
            });
    });
}

Task<Result<std::vector<design::Advice>>> check_design_document(Call &call, const db::Edit &edit) {
    using Checked = Result<std::vector<design::Advice>>;
    if (!doc::is_design_id(edit.id))
        co_return std::vector<design::Advice>();
    co_return co_await suspend<Checked>([&call, &edit](Resume<Checked> resume) {
        auto &home = call.exchange().executor();
        call.services().engine_pool.post([&call, &edit, &home, resume] {
            design::check_design_document(edit, *call.database, selector::limits(call.services().config),
                                          call.services().scripts, [&home, resume](Checked checked) {
                                              home.post([resume, checked = std::move(checked)]() mutable {
                                                  resume(std::move(checked));
                                              });
                                          });
        });
    });
}

void log_advice(const Call &call, std::string_view design_id, const std::vector<design::Advice> &advice) {
    for (const auto &one : advice)
        call.services().log.write(
            telemetry::Level::warning, call.request_id,
            fmt::format("{} in {}, view {}: {}", design_id, call.database->name(), one.view, one.text));
}

std::string user_context_json(const Call &call) {
    return access::user_context_json(call.principal, call.database->name());
}

Task<Result<void>> require_document(Call &call, std::string id) {
    auto head = co_await call.on_engine([&] { return call.database->head(id); });
    if (!head.ok())
        co_return head.error();
    if (!*head)
        co_return ErrorCode::not_found;
    if ((*head)->deleted)
        co_return Error(ErrorCode::not_found, "deleted");
    co_return Result<void>();
}

} // namespace divan::api
