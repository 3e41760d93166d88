package jirasim

import (
	"encoding/json"
	"time"
)

const (
	seedIssues = 120
	seedEvery  = 6 * time.Hour // between two of them: 30 days in all
)

// seed makes the first issues. The last of them is seedEvery old.
func seed(s site, now time.Time) []issue {
	subjects := []string{"Checkout", "Search", "Invoice export", "Login", "Nightly import", "Price list", "Order mail"}
	troubles := []string{"times out under load", "shows an old price", "needs a runbook", "fails for guests",
		"loses the last entry"}
	labels := [][]string{{}, {"backend"}, {"frontend", "customer"}, {"incident"}}
	projects := s.projects[:2] // the third one is left empty
	issues := make([]issue, seedIssues)
	for n := range issues {
		p := projects[n%len(projects)]
		subject, trouble := subjects[n%len(subjects)], troubles[n%len(troubles)]
		created := now.Add(-time.Duration(seedIssues-n) * seedEvery).Truncate(time.Millisecond).UTC()
		issues[n] = issue{
			project:     p,
			kind:        baseType(p, n/len(projects)),
			status:      s.statuses[n%len(s.statuses)],
			priority:    s.priorities[n%len(s.priorities)],
			summary:     subject + " " + trouble,
			description: paragraph(subject + " " + trouble + ". Seen by the team on call."),
			labels:      labels[n%len(labels)],
			created:     created,
			indexed:     created,
		}
	}
	return issues
}

// baseType is the project's nth type that needs no parent.
func baseType(p *project, n int) *issueType {
	var base []*issueType
	for _, t := range p.types {
		if t.level >= 0 {
			base = append(base, t)
		}
	}
	return base[n%len(base)]
}

// paragraph is a document of one paragraph.
func paragraph(text string) json.RawMessage {
	document, err := json.Marshal(node{Type: "doc", Version: 1, Content: []node{
		{Type: "paragraph", Content: []node{{Type: "text", Text: text}}},
	}})
	if err != nil {
		panic("jirasim: " + err.Error())
	}
	return document
}
