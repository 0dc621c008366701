#include "design/validation.h"

#include "db/document_text.h"
#include "design/function_document.h"
#include "design/selector_validation.h"
#include "doc/document_id.h"
#include "json/parser.h"

#include <algorithm>
#include <memory>

namespace divan::design {
namespace {

// What one call of a worker is given at most, but for a single larger edit.
constexpr std::size_t kEditsPerCallMax = 100;
constexpr std::size_t kBytesPerCallMax = 1 << 20;

bool validates(const DesignDocuments::Documents &documents) {
    return std::any_of(documents.begin(), documents.end(),
                       [](const auto &document) { return !document->validate_doc_update.empty(); });
}

// Empty: none of them.
std::vector<bool> judged_by(const DesignDocuments::Documents &documents, db::WriteValidator::Edits edits) {
    std::vector<bool> judged;
    if (validates(documents))
        for (const auto *edit : edits)
            judged.push_back(!doc::is_design_id(edit->id));
    if (std::find(judged.begin(), judged.end(), true) == judged.end())
        judged.clear();
    return judged;
}

std::string new_document(const db::JudgedEdit &judged) {
    const auto &edit = *judged.edit;
    std::optional<doc::RevPath> path = edit.path;
    if (!path && edit.parent)
        path = doc::RevPath{edit.parent->generation, {edit.parent->hash}};
    std::string text;
    db::begin_document_text(text, edit.id,
                            path ? doc::RevId{path->start, path->hashes.front()} : doc::RevId(),
                            judged.body.json, edit.deleted);
    if (path)
        db::append_revisions(text, *path);
    db::append_attachment_stubs(text, judged.body);
    text.push_back('}');
    return text;
}

std::string old_document(const db::JudgedEdit &judged) {
    if (!judged.replaced)
        return "null";
    const auto &replaced = *judged.replaced;
    return function_document(judged.edit->id, replaced.path, replaced.deleted, replaced.body);
}

// The edits of one write: through the selectors, then part by part through one function after the other.
class Judging : public std::enable_shared_from_this<Judging> {
  public:
    Judging(script::Pool &scripts, const FunctionLog &log, std::vector<db::JudgedEdit> edits,
            db::WriteValidator::Done done)
        : scripts_(scripts), log_(log), edits_(std::move(edits)), done_(std::move(done)),
          verdicts_(edits_.size()) {}

    Result<void> prepare(const DesignDocuments::Documents &documents, const db::Database &database,
                         const db::WriteContext &context, std::string security) {
        for (const auto &document : documents) {
            if (document->validate_doc_update.empty())
                continue;
            if (document->language == "query") {
                DIVAN_TRY(auto selector, SelectorValidation::make(*document));
                selectors_.push_back(std::move(selector));
                continue;
            }
            if (!document->is_javascript())
                return Error(ErrorCode::function_failed, "unknown_query_language", document->language);
            programs_.push_back(
                function_program(database, *document, "validate_doc_update", document->validate_doc_update));
        }
        user_context_ = context.user_context();
        security_ = std::move(security);
        return {};
    }

    void fail(const Error &error) {
        verdicts_.assign(edits_.size(), Result<void>(error));
        done_(std::move(verdicts_));
    }

    void judge() {
        if (!selectors_.empty())
            match();
        if (programs_.empty())
            done_(std::move(verdicts_));
        else
            next_part();
    }

  private:
    // The selectors, over all edits.
    void match() {
        for (std::size_t i = 0; i < edits_.size(); ++i) {
            auto text = write_text(new_document(edits_[i]), old_document(edits_[i]));
            for (auto selector = selectors_.begin(); selector != selectors_.end() && verdicts_[i].ok();
                 ++selector)
                verdicts_[i] = selector->judge(text);
        }
    }

    void next_part() {
        part_.clear();
        std::size_t bytes = 0;
        for (; at_ < edits_.size() && part_.size() < kEditsPerCallMax && bytes < kBytesPerCallMax; ++at_) {
            if (!verdicts_[at_].ok())
                continue;
            const auto &judged = edits_[at_];
            part_.push_back({at_, new_document(judged), old_document(judged)});
            bytes += part_.back().new_text.size() + part_.back().old_text.size();
        }
        if (part_.empty()) {
            done_(std::move(verdicts_));
            return;
        }
        call(0);
    }

    struct Texts {
        std::size_t index; // of its verdict
        std::string new_text;
        std::string old_text;
    };

    void call(std::size_t program) {
        if (program == programs_.size() || part_.empty()) {
            next_part();
            return;
        }
        script::CallRequest request{programs_[program], {}};
        bool last = program + 1 == programs_.size();
        for (auto &texts : part_)
            request.invocations.push_back(
                {0,
                 {last ? std::move(texts.new_text) : texts.new_text,
                  last ? std::move(texts.old_text) : texts.old_text, user_context_, security_}});
        scripts_.call(std::move(request),
                      [self = shared_from_this(), program](Result<script::CallAnswer> answer) {
                          self->answered(program, std::move(answer));
                      });
    }

    void answered(std::size_t program, Result<script::CallAnswer> answer) {
        std::vector<Texts> passed;
        for (std::size_t i = 0; i < part_.size(); ++i) {
            auto &verdict = verdicts_[part_[i].index];
            if (!answer.ok())
                verdict = answer.error();
            else if (i >= answer->values.size())
                verdict = ErrorCode::script_failed;
            else if (const auto *error = std::get_if<script::FunctionError>(&answer->values[i]))
                verdict = refusal(*error);
            else
                passed.push_back(std::move(part_[i]));
        }
        if (answer.ok())
            for (const auto &line : answer->log)
                log_(programs_[program]->design_id, line);
        part_ = std::move(passed);
        call(program + 1);
    }

    script::Pool &scripts_;
    const FunctionLog &log_;
    const std::vector<db::JudgedEdit> edits_;
    db::WriteValidator::Done done_;
    std::vector<Result<void>> verdicts_;
    std::vector<SelectorValidation> selectors_;
    std::vector<std::shared_ptr<const script::Program>> programs_;
    std::string user_context_;
    std::string security_;
    std::size_t at_ = 0;      // the first edit behind this part
    std::vector<Texts> part_; // those that passed so far
};

} // namespace

Error refusal(script::FunctionError error) {
    constexpr std::string_view kName = "validate_doc_update: ";
    if (error.error != "unknown_error" || !error.reason.starts_with(kName))
        return to_error(error);
    error.reason.erase(0, kName.size());
    if (auto value = json::parse(error.reason, {.raw_depth = 1});
        value.ok() && value->is_object() && value->object().size() == 1) {
        auto text = value->object().begin()->value.raw_text();
        auto member = json::parse(text);
        if (member.ok() && member->is_string())
            text = member->string();
        error.reason = std::move(text);
    }
    return to_error(error);
}

Validation::Validation(DesignDocuments &designs, script::Pool &scripts, FunctionLog log)
    : designs_(designs), scripts_(scripts), log_(std::move(log)) {}

std::optional<std::vector<bool>>
Validation::judged_cached(const db::Database &database, const db::WriteContext & /*context*/, Edits edits) {
    if (!database.has_design_documents())
        return std::vector<bool>();
    auto documents = designs_.all_cached(database);
    return documents == nullptr ? std::nullopt : std::optional(judged_by(*documents, edits));
}

Result<std::vector<bool>> Validation::judged(db::Database &database, const db::WriteContext & /*context*/,
                                             Edits edits) {
    if (!database.has_design_documents())
        return std::vector<bool>();
    DIVAN_TRY(auto documents, designs_.snapshot(database));
    return judged_by(*documents, edits);
}

void Validation::judge(db::Database &database, const db::WriteContext &context,
                       std::vector<db::JudgedEdit> edits, Done done) {
    auto judging = std::make_shared<Judging>(scripts_, log_, std::move(edits), std::move(done));
    auto prepared = [&]() -> Result<void> {
        DIVAN_TRY(auto documents, designs_.snapshot(database));
        DIVAN_TRY(auto security, database.security());
        return judging->prepare(*documents, database, context, std::move(security));
    }();
    if (prepared.ok())
        judging->judge();
    else
        judging->fail(prepared.error());
}

} // namespace divan::design
