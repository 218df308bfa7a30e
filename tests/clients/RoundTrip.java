import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.UUID;

import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.api.ContractorsApi;
import org.openapitools.client.api.GateApi;
import org.openapitools.client.model.Contractor;
import org.openapitools.client.model.ContractorCreate;
import org.openapitools.client.model.ContractorPatch;
import org.openapitools.client.model.ContractorPage;
import org.openapitools.client.model.GateCheck;
import org.openapitools.client.model.GateCheckCreate;

/** openapi-generator, Java without anything but the JDK's HTTP client: one round trip. */
public final class RoundTrip {
    public static void main(String[] arguments) throws Exception {
        String base = System.getenv("BASE_URL");
        String number = System.getenv("NUMBER");
        String form = "grant_type=client_credentials&client_id=" + System.getenv("CLIENT_ID")
            + "&client_secret=" + System.getenv("CLIENT_SECRET");
        HttpRequest ask = HttpRequest.newBuilder(URI.create(base + "/oauth/token"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString(form)).build();
        String issued = HttpClient.newHttpClient().send(ask, HttpResponse.BodyHandlers.ofString()).body();
        String token = issued.replaceAll("(?s).*\"access_token\":\"([^\"]*)\".*", "$1");

        ApiClient client = new ApiClient();
        client.updateBaseUri(base);
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
        ContractorsApi contractors = new ContractorsApi(client);

        ContractorCreate wanted = new ContractorCreate()
            .name("株式会社ジャバ").nameKana("カブシキガイシャジャバ").corporateNumber(number);
        ApiResponse<Contractor> created = contractors.createContractorWithHttpInfo(wanted, null, "java-" + number);
        check(created.getStatusCode() == 201, "created");
        Contractor contractor = created.getData();
        String etag = created.getHeaders().get("etag").get(0);

        Contractor changed = contractors.updateContractor(
            contractor.getId(), etag, new ContractorPatch().note("窓口を確認した。"), null);
        check("窓口を確認した。".equals(changed.getNote()), "changed");
        check(contractor.getNameKana().equals(changed.getNameKana()), "nothing else was cleared");

        ContractorPage page = contractors.listContractors(null, 1L, "ジャバ", null, null, null);
        check(page.getItems().get(0).getId().equals(contractor.getId()), "listed");

        GateCheck asked = new GateApi(client).createGateCheck(
            new GateCheckCreate().action("sign").contractorId(contractor.getId()), null, null);
        check(asked.getDecision() != null, "asked the gate");

        try {
            contractors.createContractor(new ContractorCreate().name("").corporateNumber("1"), null, null);
            check(false, "refused");
        } catch (ApiException refused) {
            check(refused.getCode() == 422 && refused.getResponseBody().contains("/name"), "each mistake is named");
        }

        Contractor newer = contractors.getContractor(UUID.fromString(System.getenv("UNKNOWN_ID")));
        check(newer.getName() != null, "a code that this client does not know");
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError("not so: " + what);
        }
    }
}
