// LightCouch against the server: java LightCouchScenarios NAME runs one scenario.

import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import org.lightcouch.Attachment;
import org.lightcouch.Changes;
import org.lightcouch.ChangesResult;
import org.lightcouch.CouchDbClient;
import org.lightcouch.Document;
import org.lightcouch.DocumentConflictException;
import org.lightcouch.NoDocumentException;
import org.lightcouch.Params;
import org.lightcouch.Response;

public class LightCouchScenarios {
    static final class Place extends Document {
        String name;
        int count;

        Place(String id, String name) {
            setId(id);
            this.name = name;
        }
    }

    static void equal(Object expected, Object found) {
        if (!Objects.equals(expected, found)) {
            throw new AssertionError("expected " + expected + ", got " + found);
        }
    }

    static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    static CouchDbClient client(boolean create) {
        URI origin = URI.create(System.getenv("DIVAN_ORIGIN"));
        return new CouchDbClient(System.getenv("DIVAN_DATABASE"), create, "http", origin.getHost(),
                origin.getPort(), System.getenv("DIVAN_USER"), System.getenv("DIVAN_PASSWORD"));
    }

    static void documents(CouchDbClient client) throws Exception {
        Response made = client.save(new Place("one", "caf\u00e9"));
        check(made.getRev().startsWith("1-"), made.toString());
        Place read = client.find(Place.class, "one");
        equal("caf\u00e9", read.name);
        read.count = 7;
        Response updated = client.update(read);
        check(updated.getRev().startsWith("2-"), updated.toString());
        equal(7, client.find(Place.class, "one").count);
        equal(0, client.find(Place.class, "one", made.getRev()).count);
        check(client.contains("one") && !client.contains("absent"), "contains");
        try {
            client.update(read);
            throw new AssertionError("an edit of an old revision was taken");
        } catch (DocumentConflictException expected) {
            equal(7, client.find(Place.class, "one").count);
        }
        Place posted = new Place(null, "made");
        String id = client.post(posted).getId();
        equal("made", client.find(JsonObject.class, id).get("name").getAsString());
        JsonObject revisions = client.find(JsonObject.class, "one", new Params().revsInfo());
        equal(2, revisions.getAsJsonArray("_revs_info").size());
        client.remove("one", updated.getRev());
        try {
            client.find(Place.class, "one");
            throw new AssertionError("a removed document was found");
        } catch (NoDocumentException expected) {
            check(!client.contains("one"), "removed");
        }
    }

    static void bulk(CouchDbClient client) throws Exception {
        List<Place> places = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            places.add(new Place(String.format("place%03d", i), "n" + i));
        }
        equal(300, client.bulk(places, true).size());
        List<Place> read = client.view("_all_docs").includeDocs(true).startKey("place010").limit(2).query(Place.class);
        equal("n10", read.get(0).name);
        equal("n11", read.get(1).name);
        List<Response> again = client.bulk(List.of(new Place("place000", "late")), true);
        equal("conflict", again.get(0).getError());
    }

    static void attachments(CouchDbClient client) throws Exception {
        byte[] bytes = new byte[50000];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 31);
        }
        Place place = new Place("inline", "has one");
        place.addAttachment("a.bin", new Attachment(Base64.getEncoder().encodeToString(bytes), "image/png"));
        client.save(place);
        try (InputStream stream = client.find("inline/a.bin")) {
            check(Arrays.equals(bytes, stream.readAllBytes()), "the inline attachment");
        }
        Place read = client.find(Place.class, "inline", new Params().attachments());
        check(Arrays.equals(bytes, Base64.getDecoder().decode(read.getAttachments().get("a.bin").getData())), "base64");
        Response made = client.saveAttachment(new ByteArrayInputStream(bytes), "b.bin", "image/png");
        try (InputStream stream = client.find(made.getId() + "/b.bin")) {
            check(Arrays.equals(bytes, stream.readAllBytes()), "the streamed attachment");
        }
    }

    static void views(CouchDbClient client) throws Exception {
        List<Object> places = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            Place place = new Place("p" + i, i % 2 == 0 ? "even" : "odd");
            place.count = i;
            places.add(place);
        }
        client.bulk(places, true);
        JsonObject map = new JsonObject();
        map.addProperty("map", "function (doc) { emit(doc.name, doc.count) }");
        JsonObject sum = new JsonObject();
        sum.addProperty("map", "function (doc) { emit(doc.name, doc.count) }");
        sum.addProperty("reduce", "_sum");
        JsonObject views = new JsonObject();
        views.add("by_name", map);
        views.add("sum", sum);
        JsonObject design = new JsonObject();
        design.addProperty("_id", "_design/d");
        design.add("views", views);
        client.save(design);
        List<Place> odd = client.view("d/by_name").key("odd").includeDocs(true).query(Place.class);
        equal(5, odd.size());
        equal("odd", odd.get(0).name);
        equal(20, client.view("d/sum").key("even").queryForInt());
        equal(45, client.view("d/sum").queryForInt());
        List<Place> two = client.view("d/by_name").startKey("odd").endKey("odd").descending(true).limit(2)
                .includeDocs(true).query(Place.class);
        equal("p9", two.get(0).getId());
        equal(4, client.view("d/by_name").queryPage(4, null, Place.class).getResultList().size());
    }

    static void changes(CouchDbClient client) throws Exception {
        for (int i = 0; i < 20; i++) {
            client.save(new Place("place" + i, "n" + i));
        }
        ChangesResult result = client.changes().since("0").limit(5).includeDocs(true).getChanges();
        equal(5, result.getResults().size());
        ChangesResult rest = client.changes().since(result.getLastSeq()).getChanges();
        equal(15, rest.getResults().size());
        Changes feed = client.changes().since("0").includeDocs(true).heartBeat(1000).continuousChanges();
        int seen = 0;
        while (seen < 20 && feed.hasNext()) {
            ChangesResult.Row row = feed.next();
            check(row.getDoc().get("name") != null, row.getId());
            seen++;
        }
        equal(20, seen);
        feed.stop();
    }

    static void server(CouchDbClient client) throws Exception {
        String name = System.getenv("DIVAN_DATABASE");
        check(client.context().getAllDbs().contains(name), "all databases");
        check(client.context().serverVersion().startsWith("3."), client.context().serverVersion());
        equal(10, client.context().uuids(10).size());
        client.context().ensureFullCommit();
        client.context().compact();
        client.context().deleteDB(name, "delete database");
        check(!client.context().getAllDbs().contains(name), "deleted");
        client(true).close();
        check(client.context().getAllDbs().contains(name), "made when missing");
    }

    public static void main(String[] arguments) throws Exception {
        try (CouchDbClient client = client(false)) {
            switch (arguments[0]) {
                case "documents": documents(client); break;
                case "bulk": bulk(client); break;
                case "attachments": attachments(client); break;
                case "views": views(client); break;
                case "changes": changes(client); break;
                case "server": server(client); break;
                default: throw new AssertionError("no scenario " + arguments[0]);
            }
        }
    }
}
