"""Mango requests that are wrong, each with the status and the `error` that is answered; see malformed_requests."""
import json

from documents.malformed_requests import Row

DEEP = 10000


def nested(name, depth):
    return '{"selector":' + ('{"%s":' % name) * depth + '1' + '}' * depth + '}'


def find(error, status=400, path='_find', body=None, **members):
    body = body if body is not None else json.dumps({'selector': {'n': 1}, **members})
    return Row('POST', '{db}/' + path, status, error, body)


def selector(error, value):
    return find(error, selector=value)


def index(error, status=400, **members):
    return find(error, status, '_index', json.dumps(members))


def fields(error, value, status=400, **members):
    return index(error, status, index={'fields': value}, **members)


SELECTORS = [
    selector('invalid_selector_json', value) for value in (None, [], 1, 'x', True, [{'n': 1}])
] + [
    selector('invalid_operator', value) for value in (
        {'n': {'$nope': 1}}, {'$nope': []}, {'n': {'$': 1}}, {'n': {'$regex': 1}}, {'n': {'$beginsWith': None}},
        {'n': {'$elemMatch': {'$x': 1}}}, {'$gt_': 1}, {'n': {'$EQ': 1}})
] + [
    selector('not_supported', {'n': {name: 1}})
    for name in ('$where', '$geoWithin', '$geoIntersects', '$near', '$nearSphere')
] + [
    selector('bad_arg', value) for value in (
        {'$and': {}}, {'$or': 1}, {'$nor': None}, {'$not': []}, {'$not': 1}, {'n': {'$not': 1}}, {'n': {'$in': 1}},
        {'n': {'$nin': {}}}, {'n': {'$exists': 1}}, {'n': {'$exists': 'true'}}, {'n': {'$type': 1}}, {'n': {'$all': 'x'}},
        {'n': {'$size': -1}}, {'n': {'$size': 1.5}}, {'n': {'$size': '1'}}, {'n': {'$elemMatch': []}}, {'n': {'$allMatch': 1}},
        {'n': {'$keyMapMatch': None}}, {'n': {'$mod': [0, 1]}}, {'n': {'$mod': [2]}}, {'n': {'$mod': [2, 1, 0]}},
        {'n': {'$mod': [2.5, 1]}}, {'n': {'$mod': 2}}, {'n': {'$mod': ['2', 1]}}, {'n': {'$regex': '('}}, {'n': {'$regex': '[z-a]'}},
        {'n': {'$regex': '*'}}, {'n': {'$regex': '(?<n>'}}, {'$text': None}, {'$text': {}}, {'$not': {'$text': 'x'}})
] + [
    selector('bad_field', {'n': {'$text': 'x'}}),
    selector('invalid_selector', {'$gt': 1}),
    selector('invalid_selector', {'$elemMatch': {'$gt': 1}}),
] + [
    selector('invalid_field_name', {name: 1}) for name in ('', '.', 'a.', '.a', 'a..b')
]

# What costs more than it may, refused before a document is looked at.
COSTLY_SELECTORS = [
    find('bad_arg', body=nested('a', 7000)),
    find('bad_request', body=nested('a', DEEP)),
    find('bad_request', body=nested('a', 100 * DEEP)),
    find('bad_arg', body=nested('$not', 300)),
    find('bad_arg', body='{"selector":' + '{"$and":[' * 500 + '{"a":1}' + ']}' * 500 + '}'),
    selector('bad_arg', {'.'.join('a' * 300): 1}),
    selector('bad_arg', {'n': {'$in': list(range(100000))}}),
    selector('bad_arg', {'n': {'$all': list(range(20000))}}),
    selector('bad_arg', {'$or': [{'n': i} for i in range(10001)]}),
    selector('bad_arg', {'f%d' % i: i for i in range(20000)}),
    selector('bad_arg', {'a' * 2000: {'$or': [{'$gt': i} for i in range(1000)]}}),
    selector('bad_arg', {'n': {'$regex': 'a' * 10001}}),
    selector('bad_arg', {'n': {'$regex': '(((a{1,200}){1,200}){1,200}){1,200}'}}),
    selector('bad_arg', {'n': {'$regex': '(' * 1000 + ')' * 1000}}),
    selector('bad_arg', {'$or': [{'n': {'$regex': '(a{1,50}){1,50}%d' % i}} for i in range(500)]}),
]

MEMBERS = [
    find('bad_request', body=body) for body in ('', '[]', '1', '"x"', 'null', '{', '{"selector":{}', '{"selector":{"n":01}}', '\x00')
] + [
    find('missing_required_key', body=body) for body in ('{}', '{"limit":1}', '{"Selector":{}}')
] + [
    find('invalid_non_neg_integer', **{name: value}) for name in ('limit', 'skip')
    for value in (-1, '1', 1.5, 2.0, None, True, [], 10 ** 30)
] + [
    find('invalid_pos_integer', r=value) for value in (0, -1, '2', 1.0, None)
] + [
    find('invalid_boolean', **{name: value})
    for name in ('conflicts', 'update', 'stable', 'execution_stats', 'allow_fallback', 'count', 'verbose', 'sort_in_memory')
    for value in (1, 'true', None, [])
] + [
    find('invalid_sort_json', sort=value) for value in ('n', {'n': 'asc'}, 1, None)
] + [
    find('invalid_sort_field', sort=[value]) for value in (1, None, '', {}, [], {'n': 'up'}, {'n': 1}, {'n': 'asc', 'k': 'asc'})
] + [
    find('invalid_field_name', sort=[value], sort_in_memory=True) for value in ('.', 'a..b', {'a.': 'asc'})
] + [
    find('unsupported_mixed_sort', sort=[{'n': 'asc'}, {'k': 'desc'}]),
    find('no_usable_index', sort=['n']),
    find('sort_too_large', sort=['n'], sort_in_memory=True, limit=2 ** 62),
] + [
    find('invalid_fields', fields=value) for value in ('n', {}, 1, None)
] + [
    find('invalid_field', fields=[value]) for value in (1, None, [], {})
] + [
    find('invalid_field_name', fields=[value]) for value in ('', '.', 'a..b', 'a.')
] + [
    find('invalid_index_name', use_index=value) for value in (1, True, {}, ['a', 'b', 'c'], [1], ['a', None], 'a/b/c')
] + [
    find('invalid_bookmark', bookmark=value) for value in (1, [], {}, True, 'x', 'nil', '!!', 'g' * 100000, 'WzFd')
] + [
    find('invalid_ok_or_false_value', stale=value) for value in ('yes', True, 1, 'update_after')
] + [
    find('invalid_key', **{name: 1}) for name in ('w', 'Limit', '', 'key')
] + [
    find('query_parse_error', partition='p'),
    find('illegal_partition', partition=1),
]

GROUPS = [
    find('invalid_distinct', distinct=value) for value in (1, None, [], ['n'])
] + [
    find('invalid_group_by', group_by=value) for value in ('n', {}, 1)
] + [
    find('invalid_field', group_by=[1]), find('invalid_field_name', group_by=['']), find('invalid_field_name', distinct='a..b'),
] + [
    find('invalid_aggregate', aggregate=value) for value in (
        [], 'count', 1, {'a': 'sum'}, {'a': {}}, {'a': {'sum': 1}}, {'a': {'median': 'n'}}, {'a': {'sum': 'n', 'avg': 'n'}}, {'a': None})
] + [
    find('invalid_field_name', aggregate={'a': {'sum': ''}}),
    find('invalid_bookmark', distinct='n', bookmark='WzEsIiIsbnVsbCwia2VwdCJd'),
]

INDEXES = [
    index(error, **members) for error, members in (
        ('missing_required_key', {}), ('missing_required_key', {'index': {}}), ('invalid_index', {'index': []}),
        ('invalid_index', {'index': None}), ('invalid_index', {'index': 'n'}), ('missing_required_key', {'name': 'x'}))
] + [
    find('bad_request', path='_index', body=body) for body in ('', '[]', '{', 'null')
] + [
    fields('invalid_sort_json', value) for value in ('n', {'n': 'asc'}, None, 1)
] + [
    fields('invalid_sort_field', [value]) for value in ('', 1, None, {}, {'n': 'up'}, [])
] + [
    fields('invalid_field_name', [value]) for value in ('a..b', '.', 'a.', {'a..b': 'asc'})
] + [
    fields('invalid_index', value) for value in (['[]'], ['a.[].[]'], ['a.[].b.[]'], ['a.[]', 'b.[]'])
] + [
    fields('unsupported_mixed_sort', [{'a': 'asc'}, {'b': 'desc'}]),
    index('invalid_key', index={'fields': ['n'], 'default_field': {}}),
    index('invalid_operator', index={'fields': ['n'], 'partial_filter_selector': {'n': {'$nope': 1}}}),
    index('invalid_selector_json', index={'fields': ['n'], 'partial_filter_selector': []}),
    index('bad_arg', index={'fields': ['n'], 'partial_filter_selector': {'n': {'$in': list(range(20000))}}}),
] + [
    fields(error, ['n'], status, **members) for error, status, members in (
        ('invalid_empty_string', 400, {'name': ''}), ('invalid_empty_string', 400, {'ddoc': ''}), ('invalid_string', 400, {'name': 1}),
        ('invalid_string', 400, {'ddoc': []}), ('invalid_string', 400, {'type': 1}), ('invalid_index', 400, {'type': 'special'}),
        ('required index service unavailable', 503, {'type': 'text'}), ('invalid_pos_integer', 400, {'w': 0}),
        ('invalid_partitioned_value', 400, {'partitioned': 'x'}), ('invalid_key', 400, {'unknown': 1}),
        ('illegal_docid', 400, {'ddoc': 'i' * 3000}))
] + [
    find(error, path='_index/_bulk_delete', body=json.dumps(body)) for error, body in (
        ('missing_required_key', {}), ('invalid_bulk_docs', {'docids': 1}), ('invalid_index_name', {'docids': [1]}),
        ('invalid_index_name', {'docids': [None]}), ('invalid_index_name', {'docids': ['a/b/c']}), ('invalid_key', {'docids': [], 'x': 1}),
        ('bad_request', []))
] + [
    Row('GET', '{db}/_find', 405, 'method_not_allowed'), Row('PUT', '{db}/_index', 405, 'method_not_allowed', '{}'),
    Row('DELETE', '{db}/_index', 405, 'method_not_allowed'), Row('GET', '{db}/_explain', 405, 'method_not_allowed'),
    Row('GET', '{db}/_index/x', 404, 'not_found'), Row('DELETE', '{db}/_index/d/json/x', 404, 'not_found'),
    Row('DELETE', '{db}/_index/d/json', 404, 'not_found'), Row('DELETE', '{db}/_index/%ff/json/%ff', 404, 'not_found'),
    Row('POST', '/none/_find', 404, 'not_found', '{"selector":{}}'), Row('POST', '/none/_index', 404, 'not_found', '{}'),
    Row('POST', '{db}/_find', 415, 'bad_content_type', '{"selector":{}}', {'Content-Type': 'text/plain'}),
    Row('POST', '{db}/_index', 415, 'bad_content_type', '{}', {'Content-Type': 'text/plain'}),
]

EXPLAIN = [
    find('missing_required_key', path='_explain', body='{}'),
    find('invalid_operator', path='_explain', selector={'n': {'$nope': 1}}),
    find('invalid_key', path='_explain', nope=1),
    find('bad_request', path='_explain', body='['),
]

TABLES = {'mango_' + name.lower(): rows for name, rows in list(globals().items())
          if isinstance(rows, list) and rows and isinstance(rows[0], Row)}
