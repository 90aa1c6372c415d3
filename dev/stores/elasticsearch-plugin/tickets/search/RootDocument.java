package tickets.search;

import java.io.IOException;
import java.util.List;

import org.apache.lucene.util.Version;
import org.elasticsearch.Build;
import org.elasticsearch.action.admin.cluster.state.ClusterStateResponse;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.rest.action.RestBuilderListener;
import org.elasticsearch.xcontent.XContentBuilder;

/** Answers {@code GET /}, which clients read first to learn what they talk to; the minimal distribution answers 400. */
final class RootDocument extends BaseRestHandler {

    private static final TimeValue STATE_TIMEOUT = TimeValue.timeValueSeconds(30);

    @Override
    public String getName() {
        return "tickets_root_document";
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
        String node = client.settings().get("node.name", "");
        return channel -> client.admin().cluster().prepareState(STATE_TIMEOUT).clear().setMetadata(true)
            .execute(new RestBuilderListener<>(channel) {
                @Override
                public RestResponse buildResponse(ClusterStateResponse response, XContentBuilder out) throws IOException {
                    write(node, response, out);
                    return new RestResponse(RestStatus.OK, out);
                }
            });
    }

    private static void write(String node, ClusterStateResponse response, XContentBuilder out) throws IOException {
        Build build = Build.current();
        out.startObject();
        out.field("name", node);
        out.field("cluster_name", response.getClusterName().value());
        out.field("cluster_uuid", response.getState().metadata().clusterUUID());
        out.startObject("version");
        out.field("number", build.qualifiedVersion());
        out.field("build_flavor", build.flavor());
        out.field("build_type", build.type().displayName());
        out.field("build_hash", build.hash());
        out.field("build_date", build.date());
        out.field("build_snapshot", build.isSnapshot());
        out.field("lucene_version", Version.LATEST.toString());
        out.field("minimum_wire_compatibility_version", build.minWireCompatVersion());
        out.field("minimum_index_compatibility_version", build.minIndexCompatVersion());
        out.endObject();
        out.endObject();
    }
}
