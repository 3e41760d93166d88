// Package atlassiansim is what the simulators of Atlassian's products have in
// common: what stands in front of a product. An Edge knows who asks, keeps a
// journal of the requests, breaks on demand while it runs, and takes control
// calls below /_sim/. What a product answers is its own.
//
// # Credentials
//
// The site takes Basic email:token, the gateway below /ex/{product}/{cloudId}
// also Bearer: the same token, or one that POST /oauth/token has issued. A
// Bearer token that is not accepted gets 403, as does any Bearer token at the
// site, and whoever sends none to the gateway. The product
// decides about a Basic pair that is not accepted; its answers then have
// X-Seraph-LoginReason: AUTHENTICATED_FAILED.
//
// Two calls are answered for every product, at the root only:
//
//	POST /oauth/token        get_token        client credentials to access token
//	GET  /_edge/tenant_info  get_tenant_info  the cloud id, for everyone
//
// A token is good for Options.TokenLife, and only at the simulator that has
// issued it.
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
//	PUT    /_sim/credentials  {"email":"…","token":"…","client_id":"…","client_secret":"…"}:
//	                          what is accepted from now on; what is not given stays
//	DELETE /_sim/tokens       ends every access token that has been issued
//	POST   /_sim/reset        everything as at the start
//
// Fields of a fault. Only kind is always needed:
//
//	kind               status, delay, hang, reset, expired_token, bad_json, down, refuse,
//	                   empty_page, short_pages, repeat_token, no_is_last, no_next, hostile_next
//	operation          as the product lists them, or get_token, get_tenant_info, other;
//	                   without it every one
//	times              strikes that often; without it until healed
//	share              strikes that share of the requests, in per cent, at random; without it all
//	delay_ms           waits first, at most 600,000; what delay is about, but any kind has it
//	after_commit       strikes once the request has been performed (status, delay, hang, reset)
//	status             200 to 599 (status)
//	body               json (default), html or empty (status)
//	retry_after        header Retry-After as it is, seconds or a date (status)
//	rate_limit_reason  header RateLimit-Reason (status); a 429 then has the headers of that limit
//	rate_limit_reset   header X-RateLimit-Reset as it is (status)
//	failure_category   header X-Failure-Category, as the gateway's own limit has it (status)
//	location           header Location (status); scheme and host before links (hostile_next)
//
// Down answers every request 503; "refuse" ends every connection without an
// answer, and reset ends it with a TCP reset. Note that net/http sends a GET
// again by itself when its reused connection ends so: the log then shows both.
// A bad control request gets 400 and {"field":…,"error":…}.
//
// The other kinds are about lists, and strike nothing else. None of them hides
// or repeats an entry:
//
//	empty_page    an empty page, with a token for more, comes before each page
//	short_pages   pages hold fewer entries than was asked for
//	repeat_token  the last page has a token for more: the one that it was asked for with
//	no_is_last    isLast is left out (Jira)
//	no_next       _links.next is left out: only the header Link has it (Confluence, v2)
//	hostile_next  links to the next page lead to another host: https://attacker.invalid, or location
package atlassiansim
