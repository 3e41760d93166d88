// Package jirasim is a Jira Cloud (REST v3) that lives in memory: it keeps
// what is created, refuses what the real one refuses, in its words where they
// are known, lags behind itself in searches as the real one does, and breaks on
// demand while it runs.
//
// It answers these calls, at the root and below /ex/jira/{cloudId} as
// Atlassian's gateway does:
//
//	GET       /rest/api/3/serverInfo          get_server_info
//	GET       /rest/api/3/myself              get_myself
//	GET, POST /rest/api/3/search/jql          search_issues
//	GET       /rest/api/3/issue/{idOrKey}     get_issue
//	POST      /rest/api/3/issue               create_issue
//	GET       /rest/api/3/project/search      get_projects
//	GET       /rest/api/3/issuetype           get_issue_types
//	GET       /rest/api/3/issuetype/project   get_issue_types
//	GET, POST /rest/api/3/search              removed_search, 410 Gone
//
// # Credentials
//
// The site takes Basic email:token, the gateway also Bearer. A wrong or expired
// Basic pair is served as anonymous with X-Seraph-LoginReason:
// AUTHENTICATED_FAILED, which is mostly a 200 with nothing in it; only myself
// says 401. A Bearer token that is not accepted gets 403, as does any Bearer
// token at the site. Anonymous callers see no project and no issue.
//
// # Searches
//
// JQL: project, key (issuekey, issue, id), labels, status, issuetype (type),
// summary, description, text, created and updated; = != IN NOT IN IS EMPTY
// ~ !~ < <= > >=; AND, OR, NOT, parentheses, ORDER BY. Dates are yyyy-MM-dd
// with or without HH:mm, in UTC, or periods such as -1d. Everything else is
// refused as an error in the query; functions such as currentUser() are.
// A page holds at most 5,000 issues, and 100 once more than id and key is asked
// for. A new issue is found after Options.Lag, but at once by its id or key
// outside searches, and in searches that name it in reconcileIssues.
//
// # Control
//
// Below /_sim/, which no fault touches:
//
//	GET    /_sim/faults       faults in force
//	PUT    /_sim/faults       {"kind":"down"}: this fault instead of all others
//	POST   /_sim/faults       one more; of several that match, the oldest strikes
//	DELETE /_sim/faults       heals
//	GET    /_sim/log          every request, oldest first, at most the last 10,000
//	GET    /_sim/counts       requests by operation
//	PUT    /_sim/credentials  {"email":"…","token":"…"}: what is accepted from now on
//	POST   /_sim/reset        everything as at the start
//
// Fields of a fault, of which only kind is always needed:
//
//	kind               status, delay, hang, reset, expired_token, bad_json, down, refuse
//	operation          as listed above, or other; without it every one
//	times              strikes that often; without it until healed
//	delay_ms           waits first, at most 600,000; what delay is about, but any kind has it
//	after_commit       strikes once the request has been performed (status, delay, hang, reset)
//	status             200 to 599 (status)
//	body               json (default), html or empty (status)
//	retry_after        header Retry-After as it is, seconds or a date (status)
//	rate_limit_reason  header RateLimit-Reason (status)
//
// Down answers every request 503; refuse ends every connection without an
// answer, and reset ends it with a TCP reset. Note that net/http sends a GET
// again by itself when its reused connection ends so: the log then shows both.
// A bad control request gets 400 and {"field":…,"error":…}.
package jirasim
