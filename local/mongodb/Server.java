import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** Runs mongo-java-server on a port of this machine, given as argument, until it is killed. */
class Server {
    /** As a MongoDB 7.0, for drivers refuse the version that the server reports of itself. */
    static class Seven implements MongoVersion {
        public List<Integer> getVersionArray() {
            return List.of(7, 0, 0);
        }

        public int getWireVersion() {
            return 21;
        }
    }

    public static void main(String[] arguments) {
        MemoryBackend backend = new MemoryBackend();
        backend.version(new Seven());
        new MongoServer(backend).bind("127.0.0.1", Integer.parseInt(arguments[0]));
    }
}
