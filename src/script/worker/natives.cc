#include "script/worker/natives.h"

#include "script/worker/compile.h"
#include "script/worker/engine.h"
#include "script/worker/json_text.h"
#include "script/worker/list_stream.h"
#include "script/worker/realm.h"

#include <js/CallArgs.h>
#include <js/Conversions.h>
#include <js/PropertyAndElement.h>
#include <js/PropertySpec.h>
#include <js/String.h>
#include <string>

namespace divan::script {
namespace {

// As CouchDB: an Error says what it is, where JSON.stringify would give {}.
bool replace_error(JSContext *cx, JS::MutableHandleValue value) {
    if (!value.isObject() || JS_GetErrorType(value).isNothing())
        return true;
    JS::RootedObject error(cx, &value.toObject());
    JS::RootedObject shown(cx, JS_NewPlainObject(cx));
    JS::RootedValue part(cx);
    if (shown == nullptr)
        return false;
    for (auto [from, to] : {std::pair{"name", "error"}, {"message", "message"}})
        if (!JS_GetProperty(cx, error, from, &part) || !JS_SetProperty(cx, shown, to, part))
            return false;
    value.setObject(*shown);
    return true;
}

// The text of a value that may run code, made before the row is begun: that code may emit rows too.
bool prepare(JSContext *cx, JS::HandleValue value, std::string &text) {
    return !may_run_code(value) || append_json(cx, text, value);
}

bool append_prepared(JSContext *cx, std::string &out, JS::HandleValue value, const std::string &text) {
    if (may_run_code(value)) {
        out.append(text);
        return true;
    }
    return append_json(cx, out, value);
}

bool emit(JSContext *cx, unsigned argc, JS::Value *vp) {
    auto args = JS::CallArgsFromVp(argc, vp);
    args.rval().setUndefined();
    auto &engine = Engine::of(cx);
    if (engine.rows == nullptr)
        return true;
    JS::RootedValue value(cx, args.get(1));
    std::string key_text;
    std::string value_text;
    if (!replace_error(cx, &value) || !prepare(cx, args.get(0), key_text) || !prepare(cx, value, value_text))
        return false;
    auto &rows = *engine.rows;
    rows.begin_row();
    // Strings can still fail, for want of memory: not to be caught, since the row is half written.
    if (!append_prepared(cx, rows.bytes(), args.get(0), key_text)) {
        engine.stop(Stop::memory);
        return false;
    }
    rows.end_key();
    if (!append_prepared(cx, rows.bytes(), value, value_text)) {
        engine.stop(Stop::memory);
        return false;
    }
    rows.end_value();
    if (rows.is_full()) {
        engine.stop(Stop::answer);
        return false;
    }
    return true;
}

bool log(JSContext *cx, unsigned argc, JS::Value *vp) {
    auto args = JS::CallArgsFromVp(argc, vp);
    args.rval().setUndefined();
    auto &engine = Engine::of(cx);
    JS::RootedValue message(cx, args.get(0));
    std::string text;
    if (!replace_error(cx, &message))
        return false;
    if (message.isUndefined())
        text = "undefined";
    else if (!(message.isString() ? append_utf8(cx, text, message.toString())
                                  : append_json(cx, text, message)))
        return false;
    if (engine.log != nullptr)
        engine.log->add(engine.function(), text);
    return true;
}

bool compile_module_native(JSContext *cx, unsigned argc, JS::Value *vp) {
    auto args = JS::CallArgsFromVp(argc, vp);
    std::string source;
    std::string id;
    JS::RootedString source_string(cx, JS::ToString(cx, args.get(0)));
    JS::RootedString id_string(cx, JS::ToString(cx, args.get(1)));
    return source_string != nullptr && id_string != nullptr && append_utf8(cx, source, source_string) &&
           append_utf8(cx, id, id_string) && compile_module(cx, id.c_str(), source, args.rval());
}

bool library(JSContext *cx, unsigned argc, JS::Value *vp) {
    return Realm::current(cx).library(JS::CallArgsFromVp(argc, vp).rval());
}

bool list_start(JSContext *cx, unsigned argc, JS::Value *vp) {
    auto args = JS::CallArgsFromVp(argc, vp);
    args.rval().setUndefined();
    std::string response;
    if (!append_json(cx, response, args.get(0)))
        return false;
    if (auto *list = Engine::of(cx).list)
        list->start(std::move(response));
    return true;
}

bool list_write(JSContext *cx, unsigned argc, JS::Value *vp) {
    auto args = JS::CallArgsFromVp(argc, vp);
    args.rval().setUndefined();
    std::string text;
    JS::RootedString string(cx, JS::ToString(cx, args.get(0)));
    if (string == nullptr || !append_utf8(cx, text, string))
        return false;
    auto &engine = Engine::of(cx);
    if (engine.list != nullptr && !engine.list->write(text)) {
        engine.stop(Stop::answer);
        return false;
    }
    return true;
}

bool list_row(JSContext *cx, unsigned argc, JS::Value *vp) {
    auto args = JS::CallArgsFromVp(argc, vp);
    args.rval().setNull();
    auto &engine = Engine::of(cx);
    if (engine.list == nullptr)
        return true;
    // The time that the server takes for rows is not the function's, and each row gives it new time.
    engine.watchdog().pause();
    auto row = engine.list->next_row();
    engine.watchdog().resume();
    return !row || parse_json(cx, *row, args.rval());
}

constexpr unsigned kFlags = JSPROP_ENUMERATE;

const JSFunctionSpec kGlobals[] = {
    JS_FN("emit", emit, 2, kFlags),
    JS_FN("log", log, 1, kFlags),
    JS_FS_END,
};

const JSFunctionSpec kHost[] = {
    JS_FN("compileModule", compile_module_native, 2, kFlags),
    JS_FN("library", library, 0, kFlags),
    JS_FN("start", list_start, 1, kFlags),
    JS_FN("write", list_write, 1, kFlags),
    JS_FN("row", list_row, 0, kFlags),
    JS_FS_END,
};

} // namespace

bool define_globals(JSContext *cx, JS::HandleObject global) {
    return JS_DefineFunctions(cx, global, kGlobals);
}

bool define_host(JSContext *cx, JS::HandleObject host) {
    return JS_DefineFunctions(cx, host, kHost);
}

} // namespace divan::script
