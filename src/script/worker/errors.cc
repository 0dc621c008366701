#include "script/worker/errors.h"

#include "script/worker/json_text.h"

#include <js/Array.h>
#include <js/ErrorReport.h>
#include <js/Exception.h>
#include <js/PropertyAndElement.h>
#include <mozilla/Maybe.h>
#include <optional>
#include <string>

namespace divan::script {
namespace {

std::string_view class_name(JSExnType type) {
    switch (type) {
    case JSEXN_INTERNALERR:
        return "InternalError";
    case JSEXN_AGGREGATEERR:
        return "AggregateError";
    case JSEXN_EVALERR:
        return "EvalError";
    case JSEXN_RANGEERR:
        return "RangeError";
    case JSEXN_REFERENCEERR:
        return "ReferenceError";
    case JSEXN_SYNTAXERR:
        return "SyntaxError";
    case JSEXN_TYPEERR:
        return "TypeError";
    default:
        return "Error";
    }
}

// A string as it is, the rest as JSON.
std::optional<std::string> text_of(JSContext *cx, JS::HandleValue value) {
    std::string text;
    bool written = value.isString() ? append_utf8(cx, text, value.toString()) : append_json(cx, text, value);
    if (!written) {
        JS_ClearPendingException(cx);
        return std::nullopt;
    }
    return text;
}

std::optional<std::string> text_of_member(JSContext *cx, JS::HandleObject object, const char *name) {
    JS::RootedValue value(cx);
    if (!JS_GetProperty(cx, object, name, &value)) {
        JS_ClearPendingException(cx);
        return std::nullopt;
    }
    if (value.isUndefined())
        return std::nullopt;
    return text_of(cx, value);
}

std::optional<FunctionError> from_array(JSContext *cx, JS::HandleObject array) {
    std::string texts[3];
    for (std::uint32_t i = 0; i < std::size(texts); ++i) {
        JS::RootedValue value(cx);
        if (!JS_GetElement(cx, array, i, &value)) {
            JS_ClearPendingException(cx);
            return std::nullopt;
        }
        auto text = text_of(cx, value);
        if (!text)
            return std::nullopt;
        texts[i] = std::move(*text);
    }
    if (texts[0] != "error" && texts[0] != "fatal")
        return std::nullopt;
    return FunctionError{std::move(texts[1]), std::move(texts[2])};
}

// What the function wanted to say by throwing an object.
std::optional<FunctionError> from_object(JSContext *cx, JS::HandleObject object) {
    bool is_array = false;
    if (JS::IsArrayObject(cx, object, &is_array) && is_array)
        return from_array(cx, object);
    for (const char *word : {"forbidden", "unauthorized"})
        if (auto reason = text_of_member(cx, object, word))
            return FunctionError{word, std::move(*reason)};
    auto error = text_of_member(cx, object, "error");
    if (!error)
        return std::nullopt;
    auto reason = text_of_member(cx, object, "reason");
    if (!reason)
        return std::nullopt;
    return FunctionError{std::move(*error), std::move(*reason)};
}

FunctionError from_error(JSContext *cx, const JS::ExceptionStack &exception, JSExnType type,
                         std::string_view name) {
    FunctionError error{std::string(class_name(type)), std::string(name) + ": "};
    JS::ErrorReportBuilder report(cx);
    if (!report.init(cx, exception, JS::ErrorReportBuilder::NoSideEffects)) {
        JS_ClearPendingException(cx);
        error.reason += error.error;
        return error;
    }
    error.reason += report.toStringResult().c_str();
    if (report.report()->lineno > 0)
        error.reason += " (line " + std::to_string(report.report()->lineno) + ")";
    return error;
}

} // namespace

FunctionError describe_exception(JSContext *cx, std::string_view name) {
    JS::ExceptionStack exception(cx);
    if (!JS_IsExceptionPending(cx) || !JS::StealPendingExceptionStack(cx, &exception))
        return {"unknown_error", std::string(name) + ": it was stopped"};
    if (auto type = JS_GetErrorType(exception.exception()))
        return from_error(cx, exception, *type, name);
    if (exception.exception().isObject()) {
        JS::RootedObject object(cx, &exception.exception().toObject());
        if (auto said = from_object(cx, object))
            return std::move(*said);
    }
    auto text = text_of(cx, exception.exception());
    return {"unknown_error", std::string(name) + ": " + text.value_or("it threw something that has no text")};
}

} // namespace divan::script
