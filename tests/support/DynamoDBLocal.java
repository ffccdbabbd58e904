import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * DynamoDB Local on one interface: by itself it binds all of them, and has no option against it.
 *
 * <p>The first argument is the address to bind, the others are DynamoDB Local's own. Prints the port when it
 * answers, and ends when its standard input does, so that it never outlives who started it.
 */
class DynamoDBLocal {
    public static void main(String[] arguments) throws Exception {
        var output = System.out;
        System.setOut(System.err); // what DynamoDB Local has to say
        String[] others = java.util.Arrays.copyOfRange(arguments, 1, arguments.length);
        DynamoDBProxyServer server = ServerRunner.createServerFromCommandLineArgs(others);
        var field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        var connector = (ServerConnector) ((Server) field.get(server)).getConnectors()[0];
        connector.setHost(arguments[0]);
        connector.setPort(0); // any that is free
        server.start();
        output.println("port " + connector.getLocalPort());
        while (System.in.read() >= 0) {}
        System.exit(0);
    }
}
