#include "script/worker/commands.h"

#include "script/worker/json_text.h"
#include "script/worker/list_stream.h"

#include <algorithm>
#include <chrono>
#include <js/Array.h>
#include <js/CallAndConstruct.h>
#include <js/PropertyAndElement.h>
#include <js/ValueArray.h>
#include <optional>
#include <utility>

namespace divan::script {
namespace {

using Time = std::chrono::steady_clock;

// An answer is sent when it is this large: the pool asks on.
constexpr std::size_t kAnswerBytesEnough = 8 << 20;

std::string begin_answer(protocol::Kind kind, bool leaving) {
    std::string frame(protocol::kLengthBytes, '\0');
    frame.push_back(static_cast<char>(kind));
    frame.push_back(leaving ? 1 : 0);
    return frame;
}

void end_answer(std::string &frame) {
    std::string length;
    append_u32(length, frame.size() - protocol::kLengthBytes);
    frame.replace(0, protocol::kLengthBytes, length);
}

// One request: time and sinks.
class Run {
  public:
    Run(Engine &engine, Realm &realm, const protocol::Request &request)
        : engine_(engine), realm_(realm), request_(request), cx_(engine.context()),
          log_(request.limits.log_bytes_max),
          end_(Time::now() + std::chrono::milliseconds(engine.options().function_timeout_ms)) {
        engine_.log = &log_;
    }
    Run(const Run &) = delete;
    Run &operator=(const Run &) = delete;
    ~Run() {
        engine_.log = nullptr;
        engine_.rows = nullptr;
        engine_.list = nullptr;
    }

    Answer map();
    Answer reduce();
    Answer call();
    Answer compile();
    Answer list(Channel &channel);

  private:
    // Whether the answer should go now: the pool waits for it only so long.
    bool is_time_up() const { return engine_.is_worn_out() || Time::now() >= end_; }

    FunctionError fail(std::uint32_t function) {
        auto error = engine_.take_error(realm_.name(function));
        stopped_ = stopped_ || error.error == "timeout" || error.error == "out_of_memory";
        return error;
    }

    // Null: `error` says why.
    JSObject *callee(std::uint32_t function, FunctionError &error) {
        auto *found = realm_.function(function, error);
        stopped_ = stopped_ || (found == nullptr && error.error != "compilation_error");
        return found;
    }

    void map_document(std::uint32_t document, RowSink &rows, std::uint32_t &calls, bool &up);
    bool map_call(std::uint32_t function, JS::HandleValue document, FunctionError &error);
    Outcome invoke(const protocol::Call &call, const char *helper);
    Outcome reduce_call(std::uint32_t function, JS::HandleValue keys, JS::HandleValue values, bool again,
                        std::size_t input);
    Outcome reduce_rows(std::uint32_t function, std::string_view keys, std::string_view values);
    Outcome reduce_again(std::uint32_t function, const std::vector<std::string> &reduced);
    std::optional<Outcome> reduce_item(const protocol::Item &item, std::vector<std::string> &reduced);
    Outcome text_of(std::uint32_t function, JS::HandleValue value);
    bool parse_arguments(const protocol::Call &call, JS::MutableHandleValueVector arguments);
    Answer outcomes(const std::vector<Outcome> &values, const std::vector<std::string> &partial);

    Engine &engine_;
    Realm &realm_;
    const protocol::Request &request_;
    JSContext *cx_;
    LogSink log_;
    const Time::time_point end_;
    bool stopped_ = false;
};

// ---- map

bool Run::map_call(std::uint32_t function, JS::HandleValue document, FunctionError &error) {
    JS::RootedObject object(cx_, callee(function, error));
    if (object == nullptr)
        return false;
    JS::RootedValue callee_value(cx_, JS::ObjectValue(*object));
    JS::RootedValue ignored(cx_);
    if (JS::Call(cx_, JS::UndefinedHandleValue, callee_value, JS::HandleValueArray(document), &ignored))
        return true;
    error = fail(function);
    return false;
}

void Run::map_document(std::uint32_t document, RowSink &rows, std::uint32_t &calls, bool &up) {
    JS::RootedValue value(cx_);
    engine_.begin_call(request_.functions.front());
    bool parsed = parse_json(cx_, request_.documents[document], &value);
    if (parsed && value.isObject()) {
        JS::RootedObject object(cx_, &value.toObject());
        parsed = JS_DeepFreezeObject(cx_, object);
    }
    FunctionError parse_error;
    if (!parsed)
        parse_error = fail(request_.functions.front());
    for (auto function : request_.functions) {
        rows.begin_call(document, function);
        engine_.begin_call(function);
        auto error = parse_error;
        if (!parsed || !map_call(function, value, error))
            rows.fail(error);
        ++calls;
        up = is_time_up() || rows.size() > kAnswerBytesEnough;
        if (up)
            return;
    }
}

Answer Run::map() {
    RowSink rows(request_.limits.answer_bytes_max);
    engine_.rows = &rows;
    std::uint32_t calls = 0;
    bool up = false;
    for (std::uint32_t document = 0; document < request_.documents.size() && !up; ++document)
        map_document(document, rows, calls, up);
    Answer answer{begin_answer(protocol::Kind::map_answer, engine_.is_worn_out()), stopped_};
    append_u32(answer.frame, calls);
    rows.write(answer.frame);
    log_.write(answer.frame);
    end_answer(answer.frame);
    return answer;
}

// ---- what has outcomes

Outcome Run::text_of(std::uint32_t function, JS::HandleValue value) {
    std::string text;
    if (!append_json(cx_, text, value))
        return fail(function);
    if (text.size() > request_.limits.answer_bytes_max) {
        engine_.stop(Stop::answer);
        return fail(function);
    }
    return text;
}

Answer Run::outcomes(const std::vector<Outcome> &values, const std::vector<std::string> &partial) {
    Answer answer{begin_answer(protocol::Kind::outcomes, engine_.is_worn_out()), stopped_};
    auto &frame = answer.frame;
    auto append_text = [&frame](std::string_view text) {
        append_u32(frame, text.size());
        frame.append(text);
    };
    append_u32(frame, values.size());
    for (const auto &value : values) {
        if (const auto *text = std::get_if<std::string>(&value)) {
            frame.push_back(0);
            append_text(*text);
        } else {
            frame.push_back(1);
            append_text(std::get<FunctionError>(value).error);
            append_text(std::get<FunctionError>(value).reason);
        }
    }
    append_u32(frame, partial.size());
    for (const auto &text : partial)
        append_text(text);
    log_.write(frame);
    end_answer(frame);
    return answer;
}

bool Run::parse_arguments(const protocol::Call &call, JS::MutableHandleValueVector arguments) {
    JS::RootedValue value(cx_);
    for (auto text : call.arguments)
        if (!parse_json(cx_, text, &value) || !arguments.append(value))
            return false;
    return true;
}

Outcome Run::invoke(const protocol::Call &call, const char *helper) {
    engine_.begin_call(call.function);
    FunctionError error;
    JS::RootedObject object(cx_, callee(call.function, error));
    if (object == nullptr)
        return error;
    JS::RootedValueVector arguments(cx_);
    JS::RootedValue self(cx_);
    JS::RootedValue callee_value(cx_, JS::ObjectValue(*object));
    JS::RootedValue result(cx_);
    if (!realm_.library(&self))
        return fail(call.function);
    if (helper != nullptr) {
        if (!arguments.append(callee_value) || !arguments.append(self))
            return fail(call.function);
        auto *runner = realm_.helper(helper);
        if (runner == nullptr)
            return fail(call.function);
        callee_value.setObject(*runner);
    }
    if (!parse_arguments(call, &arguments) || !JS::Call(cx_, self, callee_value, arguments, &result))
        return fail(call.function);
    return text_of(call.function, result);
}

Answer Run::call() {
    std::vector<Outcome> values;
    std::size_t bytes = 0;
    for (const auto &call : request_.calls) {
        values.push_back(invoke(call, realm_.renders() ? "show" : nullptr));
        if (const auto *text = std::get_if<std::string>(&values.back()))
            bytes += text->size();
        if (is_time_up() || bytes > kAnswerBytesEnough)
            break;
    }
    return outcomes(values, {});
}

Answer Run::list(Channel &channel) {
    ListStream stream(channel, request_.limits.answer_bytes_max);
    engine_.list = &stream;
    std::vector<Outcome> values{invoke(request_.calls.front(), "list")};
    engine_.list = nullptr;
    if (std::holds_alternative<std::string>(values.front()))
        stream.finish();
    return outcomes(values, {});
}

Answer Run::compile() {
    std::vector<Outcome> values;
    for (auto function : request_.functions) {
        engine_.begin_call(function);
        FunctionError error;
        if (callee(function, error) != nullptr)
            values.emplace_back("null");
        else
            values.emplace_back(std::move(error));
        if (is_time_up())
            break;
    }
    return outcomes(values, {});
}

// ---- reduce

std::size_t utf16_units(std::string_view text) {
    std::size_t units = 0;
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        units += (byte & 0xc0) != 0x80 ? (byte >= 0xf0 ? 2 : 1) : 0;
    }
    return units;
}

Outcome Run::reduce_call(std::uint32_t function, JS::HandleValue keys, JS::HandleValue values, bool again,
                         std::size_t input) {
    engine_.begin_call(function);
    FunctionError error;
    JS::RootedObject object(cx_, callee(function, error));
    if (object == nullptr)
        return error;
    JS::RootedValue callee_value(cx_, JS::ObjectValue(*object));
    JS::RootedValueArray<3> arguments(cx_);
    arguments[0].set(keys);
    arguments[1].set(values);
    arguments[2].setBoolean(again);
    JS::RootedValue result(cx_);
    if (!JS::Call(cx_, JS::UndefinedHandleValue, callee_value, arguments, &result))
        return fail(function);
    auto outcome = text_of(function, result);
    const auto *text = std::get_if<std::string>(&outcome);
    if (text == nullptr || !request_.reduce_limit)
        return outcome;
    // CouchDB measures the array that its worker answers.
    auto output_units = utf16_units(*text) + 2;
    if (output_units <= request_.reduce_threshold_bytes ||
        static_cast<double>(output_units) * request_.reduce_ratio <= static_cast<double>(input))
        return outcome;
    return FunctionError{"reduce_overflow_error",
                         "Reduce output must shrink more rapidly: input size: " + std::to_string(input) +
                             " output size: " + std::to_string(output_units) + " context: "};
}

// The length of CouchDB's command for its worker, without the source of the function: what it calls input.
std::size_t input_units(std::string_view command, std::string_view source, std::size_t texts_units) {
    auto escapes = static_cast<std::size_t>(std::count_if(source.begin(), source.end(), [](char c) {
        return c == '"' || c == '\\' || c == '\n' || c == '\t';
    }));
    constexpr std::size_t kAround = std::string_view(R"(["",[""],,""])").size();
    return kAround + command.size() + escapes + texts_units;
}

Outcome Run::reduce_rows(std::uint32_t function, std::string_view keys, std::string_view values) {
    JS::RootedValue keys_value(cx_);
    JS::RootedValue values_value(cx_);
    engine_.begin_call(function);
    if (!parse_json(cx_, keys, &keys_value) || !parse_json(cx_, values, &values_value))
        return fail(function);
    std::uint32_t rows = 0;
    if (JS::RootedObject array(cx_, values_value.isObject() ? &values_value.toObject() : nullptr);
        array != nullptr && !JS::GetArrayLength(cx_, array, &rows))
        return fail(function);
    // [[key,id],value] for each row, instead of two arrays
    auto units = utf16_units(keys) + utf16_units(values) + (rows > 0 ? 2 * rows - 1 : 0);
    return reduce_call(function, keys_value, values_value, false,
                       input_units("reduce", realm_.source(function), units));
}

Outcome Run::reduce_again(std::uint32_t function, const std::vector<std::string> &reduced) {
    std::string values = "[";
    for (const auto &text : reduced)
        values.append(values.size() > 1 ? "," : "").append(text);
    values.push_back(']');
    JS::RootedValue value(cx_);
    engine_.begin_call(function);
    if (!parse_json(cx_, values, &value))
        return fail(function);
    return reduce_call(function, JS::NullHandleValue, value, true,
                       input_units("rereduce", realm_.source(function), utf16_units(values)));
}

// Nothing if the time is up before the item is done: `reduced` then holds what there is.
std::optional<Outcome> Run::reduce_item(const protocol::Item &item, std::vector<std::string> &reduced) {
    reduced.assign(item.reduced.begin(), item.reduced.end());
    for (const auto &[keys, values] : item.rows) {
        auto outcome = reduce_rows(item.function, keys, values);
        if (!std::holds_alternative<std::string>(outcome) || (item.reduced.empty() && item.rows.size() == 1))
            return outcome;
        reduced.push_back(std::move(std::get<std::string>(outcome)));
        if (is_time_up())
            return std::nullopt;
    }
    return reduce_again(item.function, reduced);
}

Answer Run::reduce() {
    std::vector<Outcome> values;
    std::vector<std::string> partial;
    std::size_t bytes = 0;
    for (const auto &item : request_.items) {
        auto outcome = reduce_item(item, partial);
        if (!outcome) {
            partial.erase(partial.begin(),
                          partial.begin() + static_cast<std::ptrdiff_t>(item.reduced.size()));
            return outcomes(values, partial);
        }
        values.push_back(std::move(*outcome));
        if (const auto *text = std::get_if<std::string>(&values.back()))
            bytes += text->size();
        if (is_time_up() || bytes > kAnswerBytesEnough)
            break;
    }
    return outcomes(values, {});
}

} // namespace

Answer run_request(Engine &engine, Realm &realm, Channel &channel, const protocol::Request &request) {
    JSAutoRealm entered(engine.context(), realm.global());
    Run run(engine, realm, request);
    switch (request.kind) {
    case protocol::Kind::map:
        return run.map();
    case protocol::Kind::reduce:
        return run.reduce();
    case protocol::Kind::call:
        return run.call();
    case protocol::Kind::list:
        return run.list(channel);
    default:
        return run.compile();
    }
}

} // namespace divan::script
