import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * Program that runs DynamoDB Local on one address. By default, DynamoDB Local listens on all addresses, and no option
 * changes this.
 *
 * <p>The first argument is the address to listen on. DynamoDB Local gets the other arguments. The program prints the
 * port as soon as DynamoDB Local accepts connections. The program ends when its standard input is closed, at the latest
 * when the parent process ends.
 */
class DynamoDBLocal {
    public static void main(String[] arguments) throws Exception {
        var output = System.out;
        System.setOut(System.err); // keep the messages of DynamoDB Local out of the output
        String[] others = java.util.Arrays.copyOfRange(arguments, 1, arguments.length);
        DynamoDBProxyServer server = ServerRunner.createServerFromCommandLineArgs(others);
        var field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        var connector = (ServerConnector) ((Server) field.get(server)).getConnectors()[0];
        connector.setHost(arguments[0]);
        connector.setPort(0); // any free port
        server.start();
        output.println("port " + connector.getLocalPort());
        while (System.in.read() >= 0) {}
        System.exit(0);
    }
}
