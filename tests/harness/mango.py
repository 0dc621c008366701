"""What tests of Mango share: making indexes, asking, and joining pages."""
from harness.case import ServerTestCase


class MangoCase(ServerTestCase):
    def save(self, db, docs):
        rows = self.answer(self.server.post('/%s/_bulk_docs' % db, json={'docs': docs}), 201)
        self.assertTrue(all('rev' in row for row in rows), rows)
        return [row['rev'] for row in rows]

    def create_index(self, db, fields, name=None, ddoc=None, **more):
        """Returns what the server answers; `more`: partial_filter_selector."""
        body = {'index': {'fields': fields, **more}, 'type': 'json'}
        body.update({'name': name} if name else {}, **({'ddoc': ddoc} if ddoc else {}))
        return self.answer(self.server.post('/%s/_index' % db, json=body), 200)

    def post(self, db, path, **body):
        return self.server.post('/%s/%s' % (db, path), json=body)

    def find(self, db, selector, **members):
        return self.answer(self.post(db, '_find', selector=selector, **members), 200)

    def ids(self, db, selector, **members):
        return [doc['_id'] for doc in self.find(db, selector, **members)['docs']]

    def explain(self, db, selector, **members):
        return self.answer(self.post(db, '_explain', selector=selector, **members), 200)

    def plan(self, db, selector, **members):
        return self.explain(db, selector, verbose=True, **members)['plan']

    def statistics(self, db, selector, **members):
        return self.find(db, selector, execution_stats=True, **members)['execution_stats']

    def refused(self, db, word, path='_find', status=400, **body):
        """Asserts an error; returns its reason."""
        return self.error(self.post(db, path, **body), status, word)

    def pages(self, db, selector, between=lambda: None, rows='docs', pages_max=200, **members):
        """All rows, page by page; `between` is called after each page."""
        joined, bookmark = [], None
        for _ in range(pages_max):
            page = self.find(db, selector, **members, **({'bookmark': bookmark} if bookmark else {}))
            if not page[rows]:
                return joined
            joined += page[rows]
            bookmark = page['bookmark']
            between()
        self.fail('the pages do not end')
