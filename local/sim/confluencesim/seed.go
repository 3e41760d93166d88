package confluencesim

import (
	"fmt"
	"strings"
	"time"
)

const (
	seedPages = 151
	seedEvery = 6 * time.Hour // between two of them
	hugeBody  = 1 << 20       // bytes of the longest page
)

// Ids of the pages that are unlike the others.
const (
	HugePage    = "200031" // more than 1 MB
	HostilePage = "200032" // a view that must not be believed
)

// newSpaces are what an administrator sets up. Their homepages are the first
// pages.
func newSpaces() []*space {
	spaces := []*space{
		{id: 65_537, key: "DOC", name: "Documentation", kind: "global", status: "current"},
		{id: 98_305, key: "OPS", name: "Operations & on call", kind: "collaboration", status: "current"},
		{id: 131_073, key: "OLD", name: "Old handbook", kind: "knowledge_base", status: "archived"},
		{id: 163_841, key: "~" + author, name: "Local Bot", kind: "personal", status: "current"},
	}
	for i, s := range spaces {
		s.created = time.Date(2024, 3, 1+i, 9, 0, 0, 0, time.UTC)
		s.homepageID = fmt.Sprint(firstID + i)
	}
	return spaces
}

// seed makes the first pages. The last of them is an hour old.
func seed(spaces []*space, now time.Time) []*page {
	subjects := []string{"Checkout", "Search", "Invoice export", "Login", "Nightly import", "Price list", "Order mail"}
	kinds := []string{"runbook", "design", "on call", "FAQ & answers", "post-mortem"}
	labels := [][]string{nil, {"runbook"}, nil, {"incident", "customer"}}
	pages := make([]*page, seedPages)
	for n := range pages {
		modified := now.Add(-time.Duration(seedPages-1-n)*seedEvery - time.Hour).Truncate(time.Millisecond).UTC()
		p := &page{
			number: firstID + int64(n), space: spaceOfSeed(spaces, n), position: n, status: "current", version: 1 + n%4,
			labels: labels[n%len(labels)], created: modified.Add(-time.Hour), modified: modified, indexed: modified,
			title: fmt.Sprintf("%s: %s %d", subjects[n%len(subjects)], kinds[n%len(kinds)], 1+n/len(subjects)),
		}
		pages[n] = p
		if n < len(spaces) {
			p.title = p.space.name + " home"
		} else {
			p.parent = pages[parentOfSeed(spaces, pages, n)]
		}
		p.content = describe(p, pages[max(n-1, 0)])
	}
	pages[20].status, pages[21].status = "archived", "trashed"
	for _, p := range pages {
		switch p.id() {
		case HugePage:
			p.title, p.content = "Every order of the year", huge(p)
		case HostilePage:
			p.title, p.content = "Pasted from elsewhere", hostile
		}
	}
	return pages
}

// spaceOfSeed puts most pages into the first two spaces.
func spaceOfSeed(spaces []*space, n int) *space {
	switch {
	case n < len(spaces):
		return spaces[n]
	case n%20 == 7:
		return spaces[2]
	case n%20 == 13:
		return spaces[3]
	default:
		return spaces[n%3%2]
	}
}

// parentOfSeed is the homepage, or for every fifth page one below it.
func parentOfSeed(spaces []*space, pages []*page, n int) int {
	if before := n - 6; n%5 == 0 && before >= len(spaces) && pages[before].space == pages[n].space {
		return before
	}
	for i, s := range spaces {
		if s == pages[n].space {
			return i
		}
	}
	return 0
}

// describe writes a page of everything that people write.
func describe(p, other *page) content {
	w := &writer{page: p}
	subject, _, _ := strings.Cut(p.title, ":")
	w.info("Owned by the team on call. <Ask> before you change it.")
	w.heading("What " + subject + " does")
	w.paragraph(subject + " is used by every customer of the shop, & fails loudly. Ünïcode und Umlaute: ä ö ü €.")
	w.both(`<p>Read the <strong>limits</strong>, the <em>alarms</em> and <a href="https://example.com/status?a=1&amp;b=2">the status page</a>.</p>`)
	w.link(other)
	w.heading("What to do")
	w.list("Look at the circuit.", "Wait for it to close.", "Only then restart "+subject+".")
	w.code("bash", "curl -s https://example.com/health | jq '.status'\nif [ $? -ne 0 ]; then echo \"<down>\"; fi")
	w.table([]string{"Alarm", "Meaning", "Who"}, []string{"open", "the circuit is open | half-open", "on call"},
		[]string{"slow", "p99 > 1 s", "team of " + subject})
	w.tasks("Write the runbook", "Test it <once> a quarter")
	w.image("overview.png")
	return w.content()
}

func huge(p *page) content {
	w := &writer{page: p}
	w.table([]string{"Order", "Customer", "Sum"}, []string{"100000", "Anna & sons", "12.50 €"}, []string{"100001", "<none>", "7.00 €"})
	one := w.content()
	times := hugeBody/len(one.storage) + 1
	return content{storage: strings.Repeat(one.storage, times), view: strings.Repeat(one.view, times)}
}

// hostile has in its view what Confluence would never let through: a reader
// must not depend on that.
var hostile = content{
	storage: `<p>Pasted.</p><ac:structured-macro ac:name="html"><ac:plain-text-body><![CDATA[<script>steal()</script>]]></ac:plain-text-body></ac:structured-macro>`,
	view: `<p>Pasted.</p><script>steal()</script><style>* { display: none }</style>` +
		`<p onclick="steal()">Click <a href="javascript:steal()">here</a> or <a href=" java&#10;script:steal()">there</a>, ` +
		`<a href="data:text/html;base64,PHNjcmlwdD4=">this</a>, <a href="//attacker.invalid/x">that</a>, <a href="/wiki/spaces/DOC">home</a>.</p>` +
		`<img src="x" onerror="steal()"><img src="data:image/svg+xml,<svg onload=steal()>"><iframe src="https://attacker.invalid/"></iframe>` +
		`<!-- --><b>unclosed <i>nest<b>ed <table><tr><td>in | a cell<table><tr><td>in a cell</td></tr></table></td></tr></table>` +
		`<ac:unknown ri:x="1">an unknown macro</ac:unknown><p>` + "`code` *stars* _lines_ [x](javascript:steal()) \u0000\u202e" + `</p>` +
		strings.Repeat("<div>", 2000) + "deep" + strings.Repeat("</div>", 2000),
}
