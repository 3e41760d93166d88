package confluence

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/atlassian/sitetest"
)

// BenchmarkSearch is a search of 50 results, a server on loopback included.
func BenchmarkSearch(b *testing.B) {
	s := newSite(b)
	results := make([]string, 50)
	for i := range results {
		results[i] = fmt.Sprintf(`{"content":{"id":"%d","type":"page","status":"current","title":"Page %d","childTypes":{},"macroRenderedOutput":{},`+
			`"_expandable":{"container":"","metadata":"","space":"/rest/api/space/OPS","version":""},"_links":{"webui":"/spaces/OPS/pages/%d","self":"https://x/wiki/rest/api/content/%d"}},`+
			`"title":"@@@hl@@@Page@@@endhl@@@ %d","excerpt":"some words &amp; a @@@hl@@@page@@@endhl@@@ of them","url":"/spaces/OPS/pages/%d/Page","breadcrumbs":[],"entityType":"content",`+
			`"iconCssClass":"x","resultGlobalContainer":{"title":"Operations","displayUrl":"/spaces/OPS"},"lastModified":"2026-04-27T10:21:32.000Z","friendlyLastModified":"Apr 27","score":0.5}`, i, i, i, i, i, i)
	}
	s.Answers(sitetest.Answering(200, `{"results":[`+strings.Join(results, ",")+`],"start":0,"limit":50,"size":50,"_links":{"base":"https://x/wiki","next":"/rest/api/search?cql=a&cursor=c"}}`))
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/confluence/search?cql=a&limit=50", nil))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}
