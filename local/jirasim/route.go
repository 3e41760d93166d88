package jirasim

import (
	"net/http"
	"net/url"
	"strings"
)

// Operation names what a request asks for.
type Operation string

// The operations. GetIssueTypes is one with and without a project.
const (
	GetServerInfo Operation = "get_server_info"
	GetMyself     Operation = "get_myself"
	SearchIssues  Operation = "search_issues"
	GetIssue      Operation = "get_issue"
	CreateIssue   Operation = "create_issue"
	GetProjects   Operation = "get_projects"
	GetIssueTypes Operation = "get_issue_types"
	RemovedSearch Operation = "removed_search"
	Other         Operation = "other" // no route, or not this method
)

func operations() []Operation {
	return []Operation{GetServerInfo, GetMyself, SearchIssues, GetIssue, CreateIssue, GetProjects, GetIssueTypes,
		RemovedSearch, Other}
}

// route is one call of the API; a segment {} of its path takes anything.
type route struct {
	method    string
	path      string
	operation Operation
	serve     func(*Simulator, *call) answer
}

func routes() []route {
	const api = "/rest/api/3/"
	return []route{
		{"GET", api + "serverInfo", GetServerInfo, (*Simulator).serverInfo},
		{"GET", api + "myself", GetMyself, (*Simulator).myself},
		{"GET", api + "search/jql", SearchIssues, (*Simulator).searchByQuery},
		{"POST", api + "search/jql", SearchIssues, (*Simulator).searchByBody},
		{"GET", api + "issue/{}", GetIssue, (*Simulator).getIssue},
		{"POST", api + "issue", CreateIssue, (*Simulator).createIssue},
		{"GET", api + "project/search", GetProjects, (*Simulator).searchProjects},
		{"GET", api + "issuetype", GetIssueTypes, (*Simulator).issueTypes},
		{"GET", api + "issuetype/project", GetIssueTypes, (*Simulator).projectIssueTypes},
		{"GET", api + "search", RemovedSearch, (*Simulator).removedSearch},
		{"POST", api + "search", RemovedSearch, (*Simulator).removedSearch},
	}
}

// find gives the route of a request and what its {} took. Without one, serve
// answers 404, or 405 where only the method is wrong.
func (s *Simulator) find(method, path string) (route, string) {
	other := route{operation: Other, serve: (*Simulator).noRoute}
	for _, candidate := range s.routes {
		took, ok := match(candidate.path, path)
		switch {
		case !ok:
		case candidate.method == method:
			return candidate, took
		default:
			other.serve = (*Simulator).noMethod
		}
	}
	return other, ""
}

// match compares an escaped path with a route's, so that an escaped slash stays
// inside its segment.
func match(pattern, escaped string) (took string, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(escaped, "/")
	if len(want) != len(have) {
		return "", false
	}
	for i := range want {
		segment, err := url.PathUnescape(have[i])
		switch {
		case err != nil:
			return "", false
		case want[i] == "{}" && segment != "":
			took = segment
		case want[i] != segment:
			return "", false
		}
	}
	return took, true
}

// splitGateway takes /ex/jira/{cloudId} off an escaped path.
func splitGateway(path string) (cloudID, rest string, gateway bool) {
	rest, gateway = strings.CutPrefix(path, "/ex/jira/")
	if !gateway {
		return "", path, false
	}
	cloudID, rest, _ = strings.Cut(rest, "/")
	return cloudID, "/" + rest, true
}

func (s *Simulator) noRoute(c *call) answer {
	return problem(http.StatusNotFound, "No endpoint "+c.request.Method+" "+c.request.URL.Path+".")
}

func (s *Simulator) noMethod(c *call) answer {
	return problem(http.StatusMethodNotAllowed, "Method "+c.request.Method+" is not supported.")
}

func (s *Simulator) removedSearch(*call) answer {
	return refuse(http.StatusGone, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "+
		"A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046")
}
