"""Documents that replication must carry over as they are: odd ids, trees, attachments."""
import base64
import hashlib
import random

ODD_IDS = ['a/b', 'a+b', 'a%b', 'a%2Fb', 'a b', ' a ', '\U0001f600', '\u00e9\u6771\u4eac', '_design/plain', '_design/a/b c',
           'x?y=1&z#w', '"quoted"', "it's", 'a:b', '\\', '~', ';,', '[1]', '{"a":1}', 'tab\there', '%', '+', '/', '/a', 'a//b',
           '\u0301combining', 'x' * 200]


def digest(*parts):
    return hashlib.md5(repr(parts).encode()).hexdigest()


def chain(doc_id, generations, branch='main', **members):
    """A document as a replicator writes it: its leaf of this generation, and all ancestors. Branches of one
    document share all of their ancestors."""
    ids = [digest(doc_id, branch, generations)] + [digest(doc_id, number) for number in range(generations - 1, 0, -1)]
    return {'_id': doc_id, '_rev': '%d-%s' % (generations, ids[0]), '_revisions': {'start': generations, 'ids': ids}, **members}


def conflicts(doc_id, live, deleted=0, branch=''):
    """A document with so many live leaves and so many deleted ones."""
    return [chain(doc_id, 2 + number % 3, '%s live %d' % (branch, number), number=number) for number in range(live)] + \
        [chain(doc_id, 3, '%s deleted %d' % (branch, number), _deleted=True) for number in range(deleted)]


def attachment(data, content_type='application/octet-stream'):
    return {'content_type': content_type, 'data': base64.b64encode(data).decode()}


def mixture(seed, plain=40, prefix=''):
    """Documents for _bulk_docs with new_edits=false, of every kind; each seed has revisions of its own. The ids
    of other prefixes are others."""
    chance = random.Random('documents %s' % seed)
    branch = 'seed %s' % seed
    docs = [chain('%sdoc%03d' % (prefix, number), chance.randint(1, 4), branch, value=chance.random(),
                  text='t' * chance.randint(0, 2000)) for number in range(plain)]
    for number in range(5):
        docs += conflicts('%sconflict%d' % (prefix, number), chance.randint(2, 5), chance.randint(0, 2), branch)
        docs.append(chain('%sgone%d' % (prefix, number), chance.randint(1, 3), branch, _deleted=True, why=number))
    for doc_id in chance.sample(ODD_IDS, 6):
        docs.append(chain(doc_id, 1, branch, of=doc_id))
    for number, size in enumerate([0, 1, 5000, 100000, 300000]):
        # revpos is left to the target: the attachment is as old as the leaf.
        docs.append(chain('%sfile%d' % (prefix, number), 2, branch, _attachments={
            'noise.bin': attachment(chance.randbytes(size)),
            'b\u00fcro \u6771/a.txt': attachment(b'again and again ' * (size // 16), 'text/plain')}))
    chance.shuffle(docs)
    return docs
