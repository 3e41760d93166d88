package contract

import (
	"net/http"
	"testing"

	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/connector"
	"github.com/coldfuse/coldfuse/internal/idempotency"
	keystore "github.com/coldfuse/coldfuse/internal/idempotency/memstore"
	"github.com/coldfuse/coldfuse/internal/jira"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/jirasim"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// newJira returns a simulated site behind the check, and the function's routes to
// it.
func newJira(t *testing.T, d deployment) (*jirasim.Simulator, http.Handler) {
	t.Helper()
	sim := jirasim.New(atlassiansim.Options{Lag: atlassiansim.NoLag})
	getenv := environment(t, "JIRA_", serve(t, Jira, sim), d)
	c, err := config.Jira(getenv)
	if err != nil {
		t.Fatal(err)
	}
	client, calls, err := connector.New(t.Context(), getenv, quiet(), c.Connector, memstore.New(), jira.Operations)
	if err != nil {
		t.Fatal(err)
	}
	keys := idempotency.New(idempotency.Config{Store: keystore.New()})
	return sim, jira.Handler(jira.New(client, calls, c.SiteURL).WithKeys(keys))
}

func jiraRequests() []request {
	return []request{
		{rule: "server info", path: "/jira/server-info", status: 200},
		{rule: "a search", method: "POST", path: "/jira/search", body: `{"jql":"project = OPS ORDER BY created DESC"}`, status: 200},
		{rule: "a search with everything", method: "POST", path: "/jira/search", status: 200,
			body: `{"jql":"project in (OPS, WEB) AND summary ~ \"a\"","fields":["*all","-comment","customfield_10010"],"limit":100}`},
		{rule: "a search that finds nothing", method: "POST", path: "/jira/search", body: `{"jql":"labels = none"}`, status: 200},
		{rule: "a search that Jira refuses", method: "POST", path: "/jira/search", body: `{"jql":"no such query"}`, status: 400},
		{rule: "an issue", path: "/jira/issues/OPS-1", status: 200},
		{rule: "an issue by its number, with everything", path: "/jira/issues/10001?fields=*all&expand=names,renderedFields", status: 200},
		{rule: "an issue that is not there", path: "/jira/issues/OPS-99999", status: 404},
		{rule: "a create of the least", method: "POST", path: "/jira/issues", body: `{"project_key":"OPS","issue_type":"Task","summary":"A"}`, status: 201},
		{rule: "a create with a description", method: "POST", path: "/jira/issues", status: 201,
			body: `{"project_key":"OPS","issue_type":"Task","summary":"A","description":"# A\n\n- b\n- **c**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"}`},
		{rule: "a create with everything", method: "POST", path: "/jira/issues", status: 201,
			body: `{"project_key":"WEB","issue_type":"Bug","summary":"A","labels":["a","b"],
				"description_adf":{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"A"}]}]},
				"fields":{"priority":{"name":"High"},"duedate":"2026-12-24","customfield_10010":3}}`},
		{rule: "a create that Jira refuses", method: "POST", path: "/jira/issues", body: `{"project_key":"OPS","issue_type":"Wish","summary":"A"}`, status: 400},
		{rule: "a create under a key", method: "POST", path: "/jira/issues", key: "k1", body: `{"project_key":"OPS","issue_type":"Task","summary":"A","labels":["a"]}`, status: 201},
		{rule: "projects", path: "/jira/projects", status: 200},
		{rule: "projects by their names", path: "/jira/projects?query=ops&limit=1", status: 200},
		{rule: "projects that are not there", path: "/jira/projects?query=nothing", status: 200},
		{rule: "types of issues", path: "/jira/issue-types", status: 200},
		{rule: "types of a project's issues", path: "/jira/issue-types?project_id=10000", status: 200},
		{rule: "types of no project", path: "/jira/issue-types?project_id=1", status: 404},
	}
}

func TestEveryRequestToJiraIsDescribed(t *testing.T) {
	for _, d := range deployments("jira", atlassiansim.DefaultCloudID) {
		t.Run(d.rule, func(t *testing.T) {
			sim, handler := newJira(t, d)
			for _, r := range jiraRequests() {
				r.do(t, handler)
			}
			reached := sim.Counts()
			if token := reached[atlassiansim.GetToken]; (token > 0) != (d.auth == "client_credentials") {
				t.Errorf("%d requests for a token", token)
			}
			for _, operation := range []atlassiansim.Operation{jirasim.GetServerInfo, jirasim.GetMyself, jirasim.SearchIssues,
				jirasim.GetIssue, jirasim.CreateIssue, jirasim.GetProjects, jirasim.GetIssueTypes} {
				if reached[operation] == 0 {
					t.Errorf("nothing asked for %s", operation)
				}
			}
		})
	}
}

func TestEveryPageOfJiraIsDescribed(t *testing.T) {
	_, handler := newJira(t, deployment{auth: "basic"})
	if pages := walk(t, handler, "/jira/projects?limit=1"); pages < 3 {
		t.Errorf("%d pages of projects are no paging", pages)
	}
	pages := 0
	for next, more := "", true; more; more = next != "" {
		next = request{rule: "a page", method: "POST", path: "/jira/search", status: 200,
			body: `{"jql":"project = OPS","limit":25,"page_token":"` + next + `"}`}.do(t, handler)
		pages++
	}
	if pages < 3 {
		t.Errorf("%d pages of issues are no paging", pages)
	}
}

func TestEveryFailureOfJiraIsDescribed(t *testing.T) {
	for _, f := range failures() {
		t.Run(f.rule, func(t *testing.T) {
			sim, handler := newJira(t, deployment{auth: "basic"})
			f.strike(t, sim, handler, request{method: "POST", path: "/jira/search", body: `{"jql":"project = OPS"}`})
		})
	}
	t.Run("an unknown cloud id", func(t *testing.T) {
		_, handler := newJira(t, deployment{path: "/ex/jira/00000000-0000-4000-8000-000000000000", auth: "bearer"})
		request{rule: "a list", path: "/jira/issue-types"}.do(t, handler)
	})
	t.Run("an issue whose answer was lost", func(t *testing.T) {
		sim, handler := newJira(t, deployment{auth: "basic"})
		create := request{method: "POST", path: "/jira/issues", key: "k1", body: `{"project_key":"OPS","issue_type":"Task","summary":"A"}`}
		lost := atlassiansim.Fault{Kind: atlassiansim.Reset, Operation: jirasim.CreateIssue, AfterCommit: true, Times: 1}
		failure{"a lost answer", lost, 0}.strike(t, sim, handler, create)
		create.rule, create.status = "the issue is found", 201
		create.do(t, handler)
		if n := sim.Counts(); n[jirasim.CreateIssue] != 1 || n[jirasim.SearchIssues] == 0 {
			t.Errorf("not looked for: %v", n)
		}
	})
}

// The simulator knows more than the connector asks for.
func TestEveryAnswerOfTheJiraSimulatorIsDescribed(t *testing.T) {
	site := serve(t, Jira, jirasim.New(atlassiansim.Options{Lag: atlassiansim.NoLag}))
	const api = "/rest/api/3/"
	for _, c := range []exchange{
		{path: api + "serverInfo", status: 200},
		{path: api + "myself", status: 200},
		{path: api + "search/jql?jql=project%3DOPS&fields=*all&fields=-comment&expand=names&properties=a&maxResults=5", status: 200},
		{path: api + "search/jql?jql=project%3DOPS&reconcileIssues=10001&failFast=true", status: 200},
		{path: api + "search/jql?jql=project%3DOPS&maxResults=5001", status: 400},
		{method: "POST", path: api + "search/jql", status: 200,
			body: `{"jql":"project = OPS","fields":["*all"],"expand":"names","properties":["a"],"reconcileIssues":[10001],"fieldsByKeys":true}`},
		{method: "POST", path: api + "search/jql", body: `{"jql":""}`, status: 400},
		{path: api + "issue/OPS-2?fields=*navigable&properties=a&expand=names&updateHistory=false", status: 200},
		{path: api + "issue/NO-1", status: 404},
		{method: "POST", path: api + "issue", status: 201, body: `{"fields":{"project":{"id":"10000"},"issuetype":{"name":"Task"},
			"summary":"A","environment":{"type":"doc","version":1,"content":[]}},"properties":[{"key":"a","value":{"k":1}}]}`},
		{method: "POST", path: api + "issue", body: `{"fields":{}}`, status: 400},
		{path: api + "issue/OPS-1/properties/none", status: 404},
		{path: api + "project/search?startAt=1&maxResults=1&orderBy=-name&keys=OPS&keys=WEB&id=10000&typeKey=software&query=o", status: 200},
		{path: api + "issuetype", status: 200},
		{path: api + "issuetype/project?projectId=10000", status: 200},
		{path: api + "issuetype/project?projectId=9", status: 404},
		{method: "POST", path: "/oauth/token", body: `{"grant_type":"client_credentials","client_id":"local-app","client_secret":"local-app-secret"}`, status: 200},
		{method: "POST", path: "/oauth/token", body: `{"grant_type":"client_credentials","client_id":"local-app","client_secret":"x"}`, status: 401},
		{path: "/_edge/tenant_info", status: 200},
	} {
		c.ask(t, site)
	}
}
