// Package confluencesim is a Confluence Cloud that lives in memory, as far as
// it is read: four spaces and some 150 pages, lists with the links of the real
// one and their traps, searches by CQL, errors in Confluence's own forms, and
// faults on demand while it runs.
//
// It answers these calls, at the root and below /ex/confluence/{cloudId} as
// Atlassian's gateway does, besides those of package atlassiansim:
//
//	GET /wiki/api/v2/spaces             get_spaces
//	GET /wiki/api/v2/spaces/{id}/pages  get_pages_in_space
//	GET /wiki/api/v2/pages/{id}         get_page_content
//	GET /wiki/rest/api/search           search_content
//
// # Credentials
//
// A wrong or expired Basic pair gets 403 and nothing else, with
// X-Seraph-LoginReason: AUTHENTICATED_FAILED. Nobody is served without
// credentials: v2 says 401, the search says 403.
//
// # Lists
//
// Pages of v2 hold 25 entries, or limit from 1 to 250; those of the search at
// most 250 whatever limit says. The next page has a cursor, which is bound to
// the query and has characters that a URL must escape. It is found in
// _links.next, in v2 also in the header Link. These links are to be read, not
// followed: that of the search lacks /wiki and has the cursor in its middle, and
// none has the gateway's prefix. The parameter start of the search does nothing.
// Where an id has to be a number, a space's key is 400.
//
// # CQL
//
// Fields type, space (space.key), title, text (siteSearch), id (content),
// parent, ancestor, label, created and lastmodified; = != IN NOT IN IS EMPTY
// ~ !~ < <= > >=; AND, OR, NOT, parentheses, ORDER BY; dates and periods as in
// JQL, and now("-1d"). Everything else is a query that cannot be parsed; user
// fields are. Searches find pages and spaces, of the archived space only with
// includeArchivedSpaces=true, and mark in title and excerpt what they found with
// @@@hl@@@ and @@@endhl@@@.
//
// # Control
//
// Package atlassiansim says what can be made to go wrong, and how the simulator
// is controlled below /_sim/. All lists have empty_page, short_pages,
// repeat_token and hostile_next, those of v2 no_next too. One control call is
// added:
//
//	POST /_sim/pages  {"space":"DOC","title":"…","body":"<p>…</p>"}: a new page, 201 {"id":"…"}
//
// Searches find a new page after Options.Lag. Two pages are unlike the others:
// HugePage and HostilePage.
package confluencesim
