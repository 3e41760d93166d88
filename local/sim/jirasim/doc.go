// Package jirasim is a Jira Cloud (REST v3) that lives in memory: it keeps what is
// created, answers invalid requests in the real one's words where they are known,
// lags in searches as the real one does, and breaks on demand while it runs.
//
// It answers these calls, at the root and below /ex/jira/{cloudId} as
// Atlassian's gateway does, besides those of package atlassiansim:
//
//	GET       /rest/api/3/serverInfo                          get_server_info
//	GET       /rest/api/3/myself                              get_myself
//	GET, POST /rest/api/3/search/jql                          search_issues
//	GET       /rest/api/3/issue/{idOrKey}                     get_issue
//	GET       /rest/api/3/issue/{idOrKey}/properties/{key}    get_issue_property
//	POST      /rest/api/3/issue                               create_issue
//	GET       /rest/api/3/project/search                      get_projects
//	GET       /rest/api/3/issuetype                           get_issue_types
//	GET       /rest/api/3/issuetype/project                   get_issue_types
//	GET, POST /rest/api/3/search                              removed_search, 410 Gone
//
// # Credentials
//
// A wrong or expired Basic pair is served as anonymous with
// X-Seraph-LoginReason: AUTHENTICATED_FAILED, which is mostly a 200 with nothing
// in it; only myself says 401. Anonymous callers see no project and no issue.
//
// # Searches
//
// JQL: project, key (issuekey, issue, id), labels, status, issuetype (type),
// summary, description, text, created and updated; = != IN NOT IN IS EMPTY
// ~ !~ < <= > >=; AND, ORDER BY. Dates are yyyy-MM-dd
// with or without HH:mm, in UTC, or periods such as -1d. Everything else is
// an error in the query, functions such as currentUser() too.
// A page holds at most 5,000 issues, and 100 once more than id and key is asked
// for. A new issue is found after Options.Lag, but at once by its id or key
// outside searches, and in searches that name it in reconcileIssues.
//
// # Creates
//
// Issues have what they were created with, properties included, which searches
// and get_issue give if they are asked for them by name. Nobody can put labels
// on the create screen of project NOL: a create with labels is invalid there.
//
// # Faults
//
// Package atlassiansim says what can be made to go wrong, and how the simulator
// is controlled below /_sim/. Of the faults of lists, search_issues has all but
// no_next and hostile_next; get_projects has short_pages, no_is_last and
// hostile_next.
package jirasim
