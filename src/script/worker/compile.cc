#include "script/worker/compile.h"

#include <algorithm>
#include <js/CompilationAndEvaluation.h>
#include <js/CompileOptions.h>
#include <js/ErrorReport.h>
#include <js/Exception.h>
#include <js/Object.h>
#include <js/SourceText.h>
#include <js/String.h>
#include <js/friend/ErrorMessages.h>
#include <jsfriendapi.h>
#include <mozilla/Utf8.h>
#include <string>

namespace divan::script {
namespace {

// How many anonymous functions a source may have where statements stand.
constexpr int kRepairsMax = 16;

bool evaluate(JSContext *cx, const char *name, const std::string &source, JS::MutableHandleValue value) {
    JS::CompileOptions options(cx);
    options.setFileAndLine(name, 1);
    JS::SourceText<mozilla::Utf8Unit> text;
    return text.init(cx, source.data(), source.size(), JS::SourceOwnership::Borrowed) &&
           JS::Evaluate(cx, options, text, value);
}

// With an object of its own for variables: two functions of a program may each have a `const helper`.
bool evaluate_apart(JSContext *cx, const char *name, const std::string &source,
                    JS::MutableHandleValue value) {
    JS::RootedObject scope(cx, JS_NewPlainObject(cx));
    JS::RootedObjectVector scopes(cx);
    if (scope == nullptr || !scopes.append(scope))
        return false;
    JS::CompileOptions options(cx);
    options.setFileAndLine(name, 1).setNonSyntacticScope(true);
    std::u16string units = [&] {
        JS::RootedString string(cx, JS_NewStringCopyUTF8N(cx, JS::UTF8Chars(source.data(), source.size())));
        std::u16string copy(string == nullptr ? 0 : JS::GetStringLength(string), u'\0');
        if (string == nullptr ||
            !JS_CopyStringChars(cx, mozilla::Range<char16_t>(copy.data(), copy.size()), string))
            copy.clear();
        return copy;
    }();
    JS::SourceText<char16_t> text;
    return text.init(cx, units.data(), units.size(), JS::SourceOwnership::Borrowed) &&
           JS::Evaluate(cx, scopes, options, text, value);
}

// Where the pending error is "function statement requires a name": the start of that `function`.
std::size_t unnamed_function(JSContext *cx, const std::string &source) {
    JS::RootedValue exception(cx);
    if (!JS_GetPendingException(cx, &exception) || !exception.isObject())
        return std::string::npos;
    JS::RootedObject object(cx, &exception.toObject());
    JSErrorReport *report = JS_ErrorFromException(cx, object);
    if (report == nullptr || report->errorNumber != JSMSG_UNNAMED_FUNCTION_STMT)
        return std::string::npos;
    std::size_t line_begin = 0;
    for (unsigned line = 1; line < report->lineno && line_begin != std::string::npos; ++line) {
        auto end = source.find('\n', line_begin);
        line_begin = end == std::string::npos ? end : end + 1;
    }
    if (line_begin == std::string::npos)
        return std::string::npos;
    // The column counts characters, of which bytes are at least as many. The name is missing behind the word.
    auto at = std::min(source.size(), line_begin);
    for (unsigned column = 0; column < report->column && at < source.size(); ++at)
        column += (static_cast<unsigned char>(source[at]) & 0xc0) != 0x80 ? 1 : 0;
    return source.rfind("function", at);
}

} // namespace

bool compile_function(JSContext *cx, const char *name, std::string_view source,
                      JS::MutableHandleObject function) {
    auto take = [&](const JS::Value &result) {
        if (!result.isObject() || !JS::IsCallable(&result.toObject()))
            return false;
        function.set(&result.toObject());
        return true;
    };
    function.set(nullptr);
    JS::RootedValue value(cx);
    // As the last part of an expression: names and semicolons and comments behind it do not matter.
    auto expression = "0," + std::string(source);
    if (evaluate(cx, name, expression, &value)) {
        if (take(value))
            return true;
    } else if (!JS_IsExceptionPending(cx)) {
        return false; // stopped
    }
    std::string program(source);
    for (int repairs = 0;; ++repairs) {
        JS_ClearPendingException(cx);
        if (evaluate_apart(cx, name, program, &value)) {
            take(value);
            return true;
        }
        auto at = repairs < kRepairsMax ? unnamed_function(cx, program) : std::string::npos;
        if (at == std::string::npos)
            return false;
        program.insert(at, "0,");
    }
}

bool compile_module(JSContext *cx, const char *id, std::string_view source, JS::MutableHandleValue function) {
    auto text = "(function (module, exports, require) { " + std::string(source) + "\n});";
    return evaluate(cx, id, text, function);
}

} // namespace divan::script
