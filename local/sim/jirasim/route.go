package jirasim

import (
	"net/http"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// The operations. GetIssueTypes is one with and without a project.
const (
	GetServerInfo    atlassiansim.Operation = "get_server_info"
	GetMyself        atlassiansim.Operation = "get_myself"
	SearchIssues     atlassiansim.Operation = "search_issues"
	GetIssue         atlassiansim.Operation = "get_issue"
	GetIssueProperty atlassiansim.Operation = "get_issue_property"
	CreateIssue      atlassiansim.Operation = "create_issue"
	GetProjects      atlassiansim.Operation = "get_projects"
	GetIssueTypes    atlassiansim.Operation = "get_issue_types"
	RemovedSearch    atlassiansim.Operation = "removed_search"
)

func (s *Simulator) routes() []atlassiansim.Route {
	const api = "/rest/api/3/"
	return []atlassiansim.Route{
		atlassiansim.Get(api+"serverInfo", GetServerInfo, s.serverInfo),
		atlassiansim.Get(api+"myself", GetMyself, s.myself),
		atlassiansim.Get(api+"search/jql", SearchIssues, s.searchByQuery),
		atlassiansim.Post(api+"search/jql", SearchIssues, s.searchByBody),
		atlassiansim.Get(api+"issue/{}", GetIssue, s.getIssue),
		atlassiansim.Get(api+"issue/{}/properties/{}", GetIssueProperty, s.getProperty),
		atlassiansim.Post(api+"issue", CreateIssue, s.createIssue),
		atlassiansim.Get(api+"project/search", GetProjects, s.searchProjects),
		atlassiansim.Get(api+"issuetype", GetIssueTypes, s.issueTypes),
		atlassiansim.Get(api+"issuetype/project", GetIssueTypes, s.projectIssueTypes),
		atlassiansim.Get(api+"search", RemovedSearch, removedSearch),
		atlassiansim.Post(api+"search", RemovedSearch, removedSearch),
	}
}

func removedSearch(*atlassiansim.Call) atlassiansim.Answer {
	return refuse(http.StatusGone, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "+
		"A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046")
}
