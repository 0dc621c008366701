"""Requests that are wrong, each with the status and the `error` that CouchDB 3.5 answers.

{db} is a database with the document `kept` (which has the attachment `a.txt` of ten bytes) and the
deleted document `gone`; {rev} is the revision of `kept`, {node} stands for /_node/_local.
"""
import gzip
import json

JSON = {'Content-Type': 'application/json'}
LONG_ID = 'i' * 2100
DEEP = 8001  # the default limit of [divan] json_depth_max and one more


class Row:
    def __init__(self, method, target, status, error, body=None, headers=None, auth=True):
        self.method, self.target, self.status, self.error = method, target, status, error
        self.body, self.auth = body, auth
        self.headers = dict(JSON if headers is None and method == 'POST' else headers or {})

    def __str__(self):
        return '%s %s %s %.80r' % (self.method, self.target[:120], self.headers or '', self.body or '')


def document(body, status=400, error='bad_request', **options):
    return Row('PUT', '{db}/new', status, error, body, **options)


DATABASE_NAMES = [
    Row('PUT', '/' + name, 400, 'illegal_database_name')
    for name in ('Upper', '1abc', '_abc', 'a%20b', 'a!', 'a.b', '%C3%A4', '%2Fa', 'a+b', '%00', 'a%00b', '%ff',
                 '-a', '$a', 'a%0Ab', 'a%7F', '_users%2Fx', '..', '%2e%2e%2Fetc')
] + [
    Row('PUT', '/' + 'a' * 239, 400, 'database_name_too_long'),
    Row('PUT', '{db}', 412, 'file_exists'),
    Row('PUT', '{db}?q=9', 412, 'file_exists'),
    Row('PUT', '/t%zz', 400, 'bad_request'),
    Row('PUT', '/t%', 400, 'bad_request'),
    Row('PUT', '/new?q=abc', 400, 'bad_request'),
    Row('PUT', '/new?q=0', 400, 'bad_request'),
    Row('PUT', '/new?q=-1', 400, 'bad_request'),
    Row('PUT', '/new?n=abc', 400, 'bad_request'),
    Row('PUT', '/new?n=0', 400, 'bad_request'),
    Row('PUT', '/new?partitioned=x', 400, 'bad_request'),
    Row('PUT', '/new?engine=nope', 400, 'bad_request'),
    Row('GET', '/Upper', 404, 'not_found'),
    Row('GET', '/%ff', 404, 'not_found'),
    Row('GET', '/none', 404, 'not_found'),
    Row('DELETE', '/none', 404, 'not_found'),
    Row('DELETE', '{db}?rev=1-a', 400, 'bad_request'),
]

DOCUMENT_IDS = [
    Row('PUT', '{db}/' + name, 400, error, '{}')
    for name, error in (
        ('_x', 'illegal_docid'), ('_', 'illegal_docid'), ('__a', 'illegal_docid'), ('_id', 'illegal_docid'),
        ('_foo/bar', 'illegal_docid'), ('%ff', 'illegal_docid'), ('%C3', 'illegal_docid'),
        ('%ED%A0%80', 'illegal_docid'), ('%C0%80', 'illegal_docid'), ('%F4%90%80%80', 'illegal_docid'),
        ('%', 'bad_request'), ('%zz', 'bad_request'), ('%4', 'bad_request'), ('_design', 'illegal_docid'),
        ('_design/', 'illegal_docid'), ('_local', 'bad_request'), ('_local/', 'bad_request'),
        ('_local/x/y', 'bad_request'), (LONG_ID, 'illegal_docid'), ('_design/' + LONG_ID, 'illegal_docid'),
        ('%C3%A4' * 1050, 'illegal_docid'))
] + [
    Row('POST', '{db}', 400, 'illegal_docid', json.dumps({'_id': bad}))
    for bad in ('', '_x', 1, None, True, [], {}, '_design/', '_local/', LONG_ID)
] + [
    Row('POST', '{db}/_bulk_docs', 400, 'illegal_docid', json.dumps({'docs': [{'_id': 'fine'}, {'_id': bad}]}))
    for bad in ('', '_x', 1, None, True, [], {}, LONG_ID)
] + [
    Row('GET', '{db}/' + LONG_ID, 404, 'not_found'),
    Row('GET', '{db}/_x', 404, 'not_found'),
    Row('GET', '{db}/%ff', 404, 'not_found'),
    Row('PUT', '{db}/new', 400, 'illegal_docid', '{"_id":1}'),
    Row('PUT', '{db}/_local/' + LONG_ID, 400, 'illegal_docid', '{}'),
    Row('POST', '{db}/_bulk_docs', 400, 'illegal_docid', json.dumps({'docs': [{'_id': '_local/' + LONG_ID}]})),
    Row('COPY', '{db}/kept', 400, 'illegal_docid', headers={'Destination': '_local/' + LONG_ID}),
    Row('DELETE', '{db}/_local/' + LONG_ID, 404, 'not_found'),
    Row('GET', '{db}/_local/' + LONG_ID, 404, 'not_found'),
    Row('DELETE', '{db}/' + LONG_ID, 404, 'not_found'),
    Row('GET', '/' + 'a' * 3000, 404, 'not_found'),
    Row('GET', '/' + 'a' * 3000 + '/doc', 404, 'not_found'),
    Row('DELETE', '/' + 'a' * 3000, 404, 'not_found'),
]

REVISIONS = [
    Row('PUT', '{db}/kept', status, 'conflict' if status == 409 else 'bad_request', json.dumps({'_rev': rev}))
    for rev, status in (
        ('abc', 400), ('1', 400), ('-', 400), ('-a', 400), ('x-1', 400), ('', 400), (1, 400), (None, 400),
        (True, 400), ([], 400), ({}, 400), ('1 -a', 400), (' 1-a', 400), ('1-', 409), ('0-a', 409),
        ('1-abc-def', 409), ('1-967a00dff5e02add41819138abb3284d', 409), ('99999999999999999999-a', 400))
] + [
    Row('PUT', '{db}/kept', 409, 'conflict', '{}'),
    Row('PUT', '{db}/kept?rev=abc', 400, 'bad_request', '{}'),
    Row('PUT', '{db}/kept?rev=', 400, 'bad_request', '{}'),
    Row('PUT', '{db}/kept?rev=%22%22', 400, 'bad_request', '{}'),
    Row('PUT', '{db}/kept', 400, 'bad_request', '{}', {'If-Match': 'abc'}),
    Row('PUT', '{db}/kept', 409, 'conflict', '{}', {'If-Match': '"1-abc"'}),
    Row('PUT', '{db}/kept?rev=1-a', 400, 'bad_request', '{"_rev":"1-b"}'),
    Row('PUT', '{db}/kept?rev=1-a', 400, 'bad_request', '{}', {'If-Match': '1-b'}),
    Row('GET', '{db}/kept?rev=abc', 400, 'bad_request'),
    Row('GET', '{db}/kept?rev=', 400, 'bad_request'),
    Row('GET', '{db}/kept?rev=9-a', 404, 'not_found'),
    Row('DELETE', '{db}/kept', 409, 'conflict'),
    Row('DELETE', '{db}/kept?rev=5-zzz', 409, 'conflict'),
    Row('DELETE', '{db}/kept?rev=zzz', 400, 'bad_request'),
    Row('DELETE', '{db}/none', 404, 'not_found'),
    Row('DELETE', '{db}/gone', 404, 'not_found'),
    Row('GET', '{db}/gone', 404, 'not_found'),
    Row('DELETE', '{db}/kept/a.txt', 409, 'conflict'),
    Row('DELETE', '{db}/kept/a.txt?rev=abc', 400, 'bad_request'),
    Row('PUT', '{db}/kept/a.txt', 409, 'conflict', 'x'),
    Row('PUT', '{db}/kept/a.txt?rev=abc', 400, 'bad_request', 'x'),
    Row('PUT', '{db}/none/a.txt?rev=1-abc', 409, 'not_found', 'x'),
    Row('COPY', '{db}/kept', 400, 'bad_request'),
    Row('COPY', '{db}/kept', 400, 'bad_request', headers={'Destination': 'http://x/y'}),
    Row('COPY', '{db}/kept', 400, 'illegal_docid', headers={'Destination': ''}),
    Row('COPY', '{db}/kept', 400, 'illegal_docid', headers={'Destination': '_x'}),
    Row('COPY', '{db}/kept', 400, 'illegal_docid', headers={'Destination': LONG_ID}),
    Row('COPY', '{db}/kept', 400, 'bad_request', headers={'Destination': 'c%zz'}),
    Row('COPY', '{db}/kept', 400, 'bad_request', headers={'Destination': 'c?foo=1'}),
    Row('COPY', '{db}/kept', 400, 'bad_request', headers={'Destination': 'c?rev=x'}),
    Row('COPY', '{db}/kept', 409, 'conflict', headers={'Destination': 'kept'}),
    Row('COPY', '{db}/none', 404, 'not_found', headers={'Destination': 'c'}),
    Row('PUT', '{db}/new?new_edits=false', 400, 'bad_request', '{}'),
    Row('PUT', '{db}/new?new_edits=false', 400, 'bad_request', '{"_rev":"x"}'),
    Row('POST', '{db}/_bulk_docs', 400, 'bad_request', '{"docs":[{"_id":"new"}],"new_edits":false}'),
    Row('POST', '{db}/_bulk_docs', 400, 'bad_request', '{"docs":[{"_id":"new","_rev":1}]}'),
]

TEXTS_THAT_ARE_NOT_JSON = [
    b'', b' ', b'{', b'}', b'[', b'{"a":1}x', b'{"a":1}{"b":2}', b'{a:1}', b"{'a':1}", b'{"a":1,}', b'{"a":[1,]}',
    b'{"a":,"b":1}', b'{"a" 1}', b'{"a":1 "b":2}', b'{,}', b'{"a":01}', b'{"a":.5}', b'{"a":1.}', b'{"a":+1}',
    b'{"a":-}', b'{"a":--1}', b'{"a":0x1}', b'{"a":1e}', b'{"a":1e+}', b'{"a":NaN}', b'{"a":Infinity}',
    b'{"a":undefined}', b'{"a":True}', b'{"a":nul}', b'{"a":"\n"}', b'{"a":"\t"}', b'{"a":"\x00"}', b'{"a":"\x1f"}',
    b'{"a":"\\x"}', b'{"a":"\\a"}', b'{"a":"\\u12"}', b'{"a":"\\u00zz"}', b'{"a":"\\ud800"}', b'{"a":"\\udc00"}',
    b'{"a":"\\ud800x"}', b'{"a":"\\ud800\\ud800"}', b'{"a":"\\udc00\\ud800"}', b'{"\\ud800":1}', b'{"a":"b}',
    b'{"a":"\\"}', b'{1:2}', b'{null:1}', b'\xef\xbb\xbf{"a":1}', b'\xff\xfe{\x00}\x00', b'{"a":"\xff"}',
    b'{"a":"\xc3"}', b'{"a":"\xc0\x80"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xf4\x90\x80\x80"}', b'{"a":"\xf8\x88\x80\x80\x80"}',
    b'{"\xff":1}', b'{"a":1e400}', b'{"a":-1e400}', b'{"a":[{"b":1e999999}]}', b'{"a":1}\x00', b'// c\n{}',
    b'{"a":1/*c*/}', b'{"a":1}]', b'nonsense', b'\x00', b'<xml/>',
]

JSON_ROWS = [
    document(text) for text in TEXTS_THAT_ARE_NOT_JSON
] + [
    Row('POST', target, 400, 'bad_request', text)
    for target in ('{db}', '{db}/_bulk_docs', '{db}/_bulk_get', '{db}/_revs_diff', '{db}/_missing_revs', '{db}/_purge',
                   '{db}/_all_docs', '{db}/_all_docs/queries', '{db}/_design_docs', '{db}/_local_docs', '{db}/_changes',
                   '/_dbs_info', '/_session', '/_cluster_setup')
    for text in (b'', b'{', b'{"a":1}x', b'{"a":"\xff"}', b'\xef\xbb\xbf{}', b'{"a":1e400}', b'[' * DEEP + b']' * DEEP)
    if text or target != '{db}/_changes'
] + [
    Row('PUT', target, 400, 'bad_request', text)
    for target in ('{db}/_local/new', '{db}/_security', '{db}/_revs_limit', '{db}/_design/new',
                   '{node}/_config/custom/key')
    for text in (b'', b'{', b'{"a":1}x', b'{"a":"\xff"}', b'{"a":1e400}', b'[' * DEEP + b']' * DEEP)
] + [
    document(b'[]'), document(b'1'), document(b'"a"'), document(b'null'), document(b'true'),
    document(b'{"a":' + b'[' * DEEP + b']' * DEEP + b'}'),
    document(b'{"a":' * DEEP + b'1' + b'}' * DEEP),
    document(b'[' * 200000),
    document(b'{"a":' * 200000),
    document('{"_foo":1}', error='doc_validation'),
    document('{"_":1}', error='doc_validation'),
    document('{"__proto__":1}', error='doc_validation'),
    document('{"_revisions":1}', error='doc_validation'),
    document('{"_revisions":{"start":"a","ids":["a"]}}', error='doc_validation'),
    document('{"_revisions":{"start":1}}', error='doc_validation'),
    document('{"_revisions":{"start":1,"ids":[1]}}', error='doc_validation'),
    document('{"_revisions":{"start":1,"ids":["a","b","c"]}}', error='doc_validation'),
    document('{"_deleted":1}', error='doc_validation'),
    document('{"_deleted":"true"}', error='doc_validation'),
    document('{"_deleted":null}', error='doc_validation'),
    document('{"_attachments":[]}', error='doc_validation'),
    document('{"_attachments":null}', error='doc_validation'),
    document('{"_attachments":{"a":{"data":"!!!"}}}'),
    document('{"_attachments":{"a":{"data":"AAA"}}}'),
    document('{"_attachments":{"a":{"data":1}}}'),
    document('{"_attachments":{"a":{}}}'),
    document('{"_attachments":{"_a":{"data":""}}}'),
    document('{"_attachments":{"a":{"stub":true}}}', 412, 'missing_stub'),
    Row('PUT', '{db}/_security', 400, 'bad_request', '[]'),
    Row('PUT', '{db}/_security', 400, 'bad_request', '1'),
    Row('PUT', '{db}/_security', 400, 'bad_request', '{"admins":1}'),
    Row('PUT', '{db}/_security', 400, 'bad_request', '{"admins":{"names":"a"}}'),
    Row('PUT', '{db}/_security', 400, 'bad_request', '{"members":{"roles":[1]}}'),
    Row('PUT', '{db}/_revs_limit', 400, 'bad_request', 'abc'),
    Row('PUT', '{db}/_purged_infos_limit', 400, 'bad_request', '0'),
    Row('PUT', '{db}/_purged_infos_limit', 400, 'bad_request', '"5"'),
    Row('POST', '{db}/_bulk_docs', 400, 'bad_request', '{}'),
    Row('POST', '{db}/_bulk_docs', 400, 'bad_request', '[]'),
    Row('POST', '{db}/_bulk_docs', 400, 'bad_request', '{"docs":1}'),
    Row('POST', '{db}/_bulk_docs', 400, 'bad_request', '{"docs":[1]}'),
    Row('POST', '{db}/_bulk_docs', 400, 'bad_request', '{"docs":[null]}'),
    Row('POST', '{db}/_bulk_docs', 400, 'bad_request', '{"docs":[[]]}'),
    Row('POST', '{db}/_bulk_docs', 400, 'doc_validation', '{"docs":[{"_id":"new"},{"_x":1}]}'),
    Row('POST', '{db}/_bulk_docs', 412, 'missing_stub', '{"docs":[{"_id":"new","_attachments":{"a":{"stub":true}}}]}'),
    Row('POST', '{db}/_bulk_docs', 400, 'bad_request', b'{"docs":[{"_id":"new","a":' + b'[' * DEEP + b']' * DEEP + b'}]}'),
    Row('POST', '{db}/_bulk_get', 400, 'bad_request', '{}'),
    Row('POST', '{db}/_bulk_get', 400, 'bad_request', '[]'),
    Row('POST', '{db}/_bulk_get?rev=1-a', 400, 'bad_request', '{"docs":[{"id":"kept"}]}'),
    Row('POST', '{db}/_bulk_get?new_edits=false', 400, 'bad_request', '{"docs":[{"id":"kept"}]}'),
    Row('POST', '{db}/_revs_diff', 400, 'bad_request', '[]'),
    Row('POST', '{db}/_revs_diff', 400, 'bad_request', '{"a":1}'),
    Row('POST', '{db}/_revs_diff', 400, 'bad_request', '{"a":["x"]}'),
    Row('POST', '{db}/_missing_revs', 400, 'bad_request', '{"a":["x"]}'),
    Row('POST', '{db}/_purge', 400, 'bad_request', '[]'),
    Row('POST', '{db}/_purge', 400, 'bad_request', '{"kept":1}'),
    Row('POST', '{db}/_purge', 400, 'bad_request', '{"kept":["x"]}'),
    Row('POST', '{db}/_purge', 400, 'bad_request', '{"kept":[1]}'),
    Row('POST', '/_dbs_info', 400, 'bad_request', '{}'),
    Row('POST', '/_dbs_info', 400, 'bad_request', '{"keys":"a"}'),
    Row('POST', '/_dbs_info', 400, 'bad_request', json.dumps({'keys': ['x%d' % i for i in range(101)]})),
    Row('POST', '/_cluster_setup', 400, 'bad_request', '{}'),
    Row('POST', '/_cluster_setup', 400, 'bad_request', '{"action":"nope"}'),
]

PARAMETERS = [
    Row('GET', '{db}/%s?%s' % (view, query), 400, error)
    for view in ('_all_docs', '_design_docs')
    for query, error in (
        ('limit=x', 'query_parse_error'), ('limit=-1', 'query_parse_error'), ('limit=1.5', 'query_parse_error'),
        ('limit=', 'query_parse_error'), ('limit=%2B1', 'query_parse_error'),
        ('limit=99999999999999999999', 'query_parse_error'),
        ('skip=x', 'query_parse_error'), ('skip=-1', 'query_parse_error'), ('descending=x', 'query_parse_error'),
        ('include_docs=1', 'query_parse_error'), ('inclusive_end=x', 'query_parse_error'),
        ('update_seq=x', 'query_parse_error'), ('conflicts=x', 'query_parse_error'),
        ('attachments=x', 'query_parse_error'), ('reduce=true', 'query_parse_error'),
        ('group=true', 'query_parse_error'), ('group_level=1', 'query_parse_error'), ('stale=x', 'query_parse_error'),
        ('update=x', 'query_parse_error'), ('startkey=a', 'bad_request'), ('endkey=a', 'bad_request'),
        ('key=a', 'bad_request'), ('key=', 'bad_request'), ('key=%22%ff%22', 'bad_request'), ('key=1e400', 'bad_request'),
        ('keys=a', 'bad_request'), ('keys=1', 'bad_request'), ('keys=%7B%7D', 'bad_request'),
        ('key=%zz', 'bad_request'), ('keys=%5B%22a%22%5D&key=%22b%22', 'query_parse_error'))
] + [
    Row('POST', '{db}/_all_docs', 400, error, body)
    for body, error in (
        ('[]', 'bad_request'), ('{"keys":"b"}', 'bad_request'), ('{"keys":{}}', 'bad_request'),
        ('{"limit":-1}', 'query_parse_error'), ('{"descending":1}', 'query_parse_error'),
        ('{"skip":"x"}', 'query_parse_error'), ('{"keys":["a"],"startkey":"b"}', 'query_parse_error'))
] + [
    Row('POST', '{db}/_all_docs/queries', 400, error, body)
    for body, error in (
        ('{}', 'bad_request'), ('[]', 'bad_request'), ('{"queries":1}', 'bad_request'),
        ('{"queries":[{"limit":-1}]}', 'query_parse_error'))
] + [
    Row('GET', '{db}/_changes?' + query, 400, 'bad_request')
    for query in ('feed=x', 'feed=', 'heartbeat=0', 'heartbeat=x', 'heartbeat=-1', 'timeout=x', 'timeout=-1', 'filter=x',
                  'filter=_x', 'filter=_view', 'filter=_selector', 'filter=_doc_ids', 'filter=a/b/c', 'seq_interval=0',
                  'seq_interval=x', 'since=x', 'since=-1', 'since=0-xyz', 'since=1-g1AAAA', 'since=%FF', 'limit=x',
                  'limit=-1', 'limit=1.5', 'filter=_doc_ids&doc_ids=x', 'filter=_doc_ids&doc_ids=%7B%7D',
                  'filter=_doc_ids&doc_ids=%5B1%5D', 'since=%zz')
] + [
    Row('GET', '{db}/_changes?filter=x/y', 404, 'not_found'),
    Row('GET', '{db}/_changes?filter=_view&view=x/y', 404, 'not_found'),
    Row('POST', '{db}/_changes', 400, 'bad_request', '[]'),
    Row('POST', '{db}/_changes', 400, 'bad_request', 'null'),
    Row('POST', '{db}/_changes?filter=_doc_ids', 400, 'bad_request', '{"doc_ids":"a"}'),
    Row('POST', '{db}/_changes?filter=_doc_ids', 400, 'bad_request', '{"doc_ids":[1]}'),
    Row('GET', '{db}/kept?open_revs=x', 400, 'bad_request'),
    Row('GET', '{db}/kept?open_revs=1', 400, 'bad_request'),
    Row('GET', '{db}/kept?open_revs=%7B%7D', 400, 'bad_request'),
    Row('GET', '{db}/kept?open_revs=%5B%22x%22%5D', 400, 'bad_request'),
    Row('GET', '{db}/kept?open_revs=', 400, 'bad_request'),
    Row('GET', '{db}/kept?atts_since=x', 400, 'bad_request'),
    Row('GET', '{db}/kept?atts_since=1', 400, 'bad_request'),
    Row('GET', '{db}/kept?atts_since=%5B%22x%22%5D', 400, 'bad_request'),
    Row('GET', '{db}/kept?%zz=1', 400, 'bad_request'),
    Row('GET', '/_uuids?count=1001', 400, 'bad_request'),
    Row('GET', '/_uuids?count=-1', 400, 'bad_request'),
    Row('GET', '/_uuids?count=x', 400, 'bad_request'),
    Row('GET', '/_uuids?count=', 400, 'bad_request'),
    Row('GET', '/_uuids?count=99999999999999999999', 400, 'bad_request'),
    Row('GET', '/_all_dbs?startkey=x', 400, 'bad_request'),
    Row('GET', '/_all_dbs?limit=x', 400, 'query_parse_error'),
    Row('GET', '/_all_dbs?skip=-1', 400, 'query_parse_error'),
    Row('GET', '/_all_dbs?descending=x', 400, 'query_parse_error'),
    Row('GET', '/_node/nosuch@host/_system', 404, 'not_found'),
    Row('GET', '{node}/_config/a/b/c', 404, 'not_found'),
    Row('GET', '{node}/_config/none/none', 404, 'not_found'),
    Row('GET', '{db}?' + '&'.join('a=1' for _ in range(1001)), 400, 'bad_request'),
    Row('GET', '{db}/kept' + '/x' * 300, 414, 'too_long'),
]

METHODS = [
    Row(method, target, 405, 'method_not_allowed')
    for method, targets in {
        'PATCH': ('/', '/_up', '/_all_dbs', '/_uuids', '/_session', '{db}', '{db}/kept', '{db}/_all_docs', '{db}/_bulk_docs',
                  '{db}/_bulk_get', '{db}/_changes', '{db}/_compact', '{db}/_security', '{db}/_revs_diff',
                  '{db}/_revs_limit', '{db}/_purge', '{node}/_config', '{node}/_config/a/b'),
        'TRACE': ('/_up', '/_all_dbs', '{db}'),
        'OPTIONS': ('/', '{db}', '{db}/_all_docs'),
        'GET': ('{db}/_bulk_docs', '{db}/_bulk_get', '{db}/_compact', '{db}/_ensure_full_commit', '{db}/_view_cleanup',
                '{db}/_revs_diff', '{db}/_missing_revs', '{db}/_purge', '{db}/_all_docs/queries'),
        'DELETE': ('/', '{db}/_all_docs', '{db}/_changes', '{db}/_security', '{db}/_revs_limit'),
        'PUT': ('/', '/_all_dbs', '{db}/_all_docs', '{db}/_changes'),
        'POST': ('/', '/_up', '/_uuids', '{db}/_security', '{db}/_revs_limit'),
        'BREW': ('/', '{db}', '{db}/kept'),
    }.items() for target in targets
]

CONTENT_TYPES = [
    Row('POST', target, 415, 'bad_content_type', '{"docs":[],"keys":[]}', {'Content-Type': kind} if kind else {})
    for target in ('{db}', '{db}/_bulk_docs', '{db}/_bulk_get', '{db}/_revs_diff', '{db}/_missing_revs', '{db}/_purge',
                   '{db}/_compact', '{db}/_ensure_full_commit', '{db}/_all_docs', '{db}/_changes', '/_dbs_info')
    for kind in (None, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonx')
] + [
    Row('POST', '/_session', 415, 'bad_content_type', '{}', {'Content-Type': 'text/plain'}),
    document('{}', 415, 'bad_content_type', headers={'Content-Encoding': 'deflate'}),
    document('{}', 415, 'bad_content_type', headers={'Content-Encoding': 'br'}),
    document('{}', 415, 'bad_content_type', headers={'Content-Encoding': 'gzip, gzip'}),
    document('{}', headers={'Content-Encoding': 'gzip'}),
    document('', headers={'Content-Encoding': 'gzip'}),
    document(gzip.compress(b'{"a":1}')[:-5], headers={'Content-Encoding': 'gzip'}),
    document(gzip.compress(b'{"a":1}')[:12], headers={'Content-Encoding': 'gzip'}),
    document(gzip.compress(b'{"a":1}') + b'x', headers={'Content-Encoding': 'gzip'}),
    document(gzip.compress(b'{"a":'), headers={'Content-Encoding': 'gzip'}),
    document(gzip.compress(b'{"a":1}')[:-8] + b'\0' * 8, headers={'Content-Encoding': 'gzip'}),
    Row('PUT', '{db}/kept/b?rev={rev}', 415, 'bad_content_type', 'x', {'Content-Encoding': 'deflate'}),
    Row('POST', '{db}/kept', 400, 'bad_request', '{}'),
]

ATTACHMENTS = [
    Row('PUT', '{db}/kept/_a?rev={rev}', 400, 'bad_request', 'x'),
    Row('PUT', '{db}/kept/%ff?rev={rev}', 400, 'bad_request', 'x'),
    Row('PUT', '{db}/_local/kept/a', 400, 'bad_request', 'x'),
    Row('GET', '{db}/kept/none', 404, 'not_found'),
    Row('GET', '{db}/none/a.txt', 404, 'not_found'),
    Row('GET', '{db}/kept/a.txt?rev=abc', 400, 'bad_request'),
    Row('GET', '{db}/kept/a.txt?rev=9-a', 404, 'not_found'),
    Row('DELETE', '{db}/kept/none?rev={rev}', 404, 'not_found'),
] + [
    Row('GET', '{db}/kept/a.txt', 416, 'requested_range_not_satisfiable', headers={'Range': value})
    for value in ('bytes=10-', 'bytes=100-200', 'bytes=5-4', 'bytes=-0', 'bytes=0-1,20-30')
]

CREDENTIALS = [
    Row('GET', '{db}', 401, 'unauthorized', auth=False),
    Row('GET', '/_all_dbs', 401, 'unauthorized', auth=False),
    Row('PUT', '/new', 401, 'unauthorized', auth=False),
    Row('PUT', '{node}/_config/admins/eve', 401, 'unauthorized', '"open sesame"', auth=False),
    Row('PATCH', '{db}', 401, 'unauthorized', auth=False),
] + [
    Row('GET', '{db}', status, error, headers={'Authorization': value}, auth=False)
    for value, status, error in (
        ('Basic !!!', 400, 'bad_request'), ('Basic', 401, 'unauthorized'), ('Basic ', 401, 'unauthorized'),
        ('Basic Og==', 401, 'unauthorized'), ('Basic YWRtaW4=', 401, 'unauthorized'),
        ('Basic YWRtaW46d3Jvbmc=', 401, 'unauthorized'), ('Basic bm9ib2R5Ong=', 401, 'unauthorized'),
        ('Basic ' + 'YQ' * 3000, 401, 'unauthorized'), ('Bearer x', 401, 'unauthorized'), ('x', 401, 'unauthorized'),
        ('', 401, 'unauthorized'), ('Digest username="admin"', 401, 'unauthorized'))
] + [
    Row('GET', '{db}', status, error, headers={'Cookie': 'AuthSession=' + value}, auth=False)
    for value, status, error in (
        ('', 401, 'unauthorized'), ('x', 400, 'bad_request'), ('!!!', 400, 'bad_request'), ('YWRtaW4', 400, 'bad_request'),
        ('YWRtaW46NTAwMDAwMDA6eA', 401, 'unauthorized'), ('YWRtaW46eno6eA', 400, 'bad_request'),
        ('YWRtaW46RkZGRkZGRkZGRkZGRkZGRkZGOng', 400, 'bad_request'), ('Ojp4', 400, 'bad_request'))
] + [
    Row('POST', '/_session', status, error, body, headers)
    for body, headers, status, error in (
        ('{}', JSON, 400, 'bad_request'), ('[]', JSON, 400, 'bad_request'), ('{"name":1,"password":"x"}', JSON, 400, 'bad_request'),
        ('{"name":"admin"}', JSON, 401, 'unauthorized'), ('{"name":"admin","password":"x"}', JSON, 401, 'unauthorized'),
        ('{"name":"","password":""}', JSON, 401, 'unauthorized'),
        ('name=admin&password=%zz', {'Content-Type': 'application/x-www-form-urlencoded'}, 400, 'bad_request'),
        ('', {'Content-Type': 'application/x-www-form-urlencoded'}, 400, 'bad_request'),
        ('name=admin&password=x', {'Content-Type': 'application/x-www-form-urlencoded'}, 401, 'unauthorized'))
]

CONFIGURATION = [
    Row('PUT', '{node}/_config/%s' % place, status, error, body)
    for place, body, status, error in (
        ('couchdb/max_document_size', '"many"', 400, 'bad_request'), ('couchdb/max_document_size', '"0"', 400, 'bad_request'),
        ('couchdb/max_document_size', '"-1"', 400, 'bad_request'), ('couchdb/max_document_size', '5', 400, 'bad_request'),
        ('couchdb/max_document_size', '"1.5"', 400, 'bad_request'), ('couchdb/max_document_size', '"99999999999999999999"', 400, 'bad_request'),
        ('chttpd/enable_cors', '"yes"', 400, 'bad_request'), ('httpd/enable_cors', '"yes"', 400, 'bad_request'),
        ('log/level', '"loud"', 400, 'bad_request'), ('uuids/algorithm', '"mine"', 400, 'bad_request'),
        ('custom/key', '{}', 400, 'bad_request'), ('custom/key', 'null', 400, 'bad_request'),
        ('custom/key', '"two\\nlines"', 400, 'bad_request'), ('custom/key', '"a ; comment"', 400, 'bad_request'),
        ('custom/key', '"\\u0000"', 400, 'bad_request'),
        ('custom/a=b', '"x"', 400, 'bad_request'), ('cus%5Dtom/key', '"x"', 400, 'bad_request'),
        ('custom/%0A', '"x"', 400, 'bad_request'), ('%20/key', '"x"', 400, 'bad_request'), ('custom/%3Bkey', '"x"', 400, 'bad_request'),
        ('couchdb/uuid', '"x"', 403, 'forbidden'), ('couchdb/database_dir', '"/x"', 403, 'forbidden'),
        ('query_servers/x', '"/bin/sh"', 403, 'forbidden'), ('native_query_servers/x', '"x"', 403, 'forbidden'),
        ('os_daemons/x', '"x"', 403, 'forbidden'), ('daemons/x', '"x"', 403, 'forbidden'),
        ('admins/eve', '""', 400, 'bad_request'))
] + [
    Row('DELETE', '{node}/_config/none/none', 404, 'not_found'),
    Row('DELETE', '{node}/_config/admins/admin', 403, 'forbidden'),
]


def multipart(text, status=400, error='bad_request', kind='multipart/related; boundary="b"', query=''):
    return Row('PUT', '{db}/new' + query, status, error, text, {'Content-Type': kind})


DOCUMENT = b'{"_attachments":{"a":{"follows":true,"content_type":"text/plain","length":3}}}'
HEAD = b'--b\r\nContent-Type: application/json\r\n\r\n'
MULTIPART = [
    multipart(b''),
    multipart(b'--b--'),
    multipart(b'nonsense'),
    multipart(b'--c\r\n\r\n{}\r\n--c--'),
    multipart(HEAD),
    multipart(HEAD + b'{}'),
    multipart(HEAD + b'{}\r\n--'),
    multipart(HEAD + b'{\r\n--b--'),
    multipart(HEAD + b'[]\r\n--b--'),
    multipart(HEAD + b'{"a":"\xff"}\r\n--b--'),
    multipart(HEAD + b'{"_x":1}\r\n--b--', error='doc_validation'),
    multipart(HEAD + DOCUMENT + b'\r\n--b--'),
    multipart(HEAD + DOCUMENT + b'\r\n--b\r\n\r\nabc'),
    multipart(HEAD + DOCUMENT + b'\r\n--b\r\n\r\nab\r\n--b--'),
    multipart(HEAD + DOCUMENT + b'\r\n--b\r\n\r\nabcd\r\n--b--'),
    multipart(HEAD + DOCUMENT + b'\r\n--b\r\nno colon\r\n\r\nabc\r\n--b--'),
    multipart(HEAD + DOCUMENT + b'\r\n--b\r\nX: ' + b'x' * 20000 + b'\r\n\r\nabc\r\n--b--'),
    multipart(HEAD + DOCUMENT + b'\r\n--bx\r\n\r\nabc\r\n--b--'),
    multipart(HEAD + b'{}\r\n--b\r\n\r\nnobody asked\r\n--b--'),
    multipart(HEAD + b'{"_attachments":{"a":{"stub":true}}}\r\n--b--', 412, 'missing_stub'),
    multipart(HEAD + b'{"a":' + b'[' * DEEP + b']' * DEEP + b'}\r\n--b--'),
    multipart(HEAD + b'{}\r\n--b--', kind='multipart/related'),
    multipart(HEAD + b'{}\r\n--b--', kind='multipart/related; boundary='),
    multipart(HEAD + b'{}\r\n--b--', kind='multipart/related; boundary=""'),
    multipart(HEAD + b'{}\r\n--b--', kind='multipart/related; boundary=' + 'b' * 300),
]

TABLES = {name.lower(): rows for name, rows in list(globals().items())
          if isinstance(rows, list) and rows and isinstance(rows[0], Row)}
