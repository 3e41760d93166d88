package jirasim

import "github.com/coldfuse/coldfuse/local/sim/atlassiansim/querylang"

type project struct {
	id, key, name, kind string
	types               []*issueType
	unlabelled          bool // its create screen has no labels
}

type issueType struct {
	id, name, description string
	level                 int // -1 sub-task, 0 base, 1 epic
}

type status struct {
	id, name                 string
	category                 int
	categoryKey, categoryTag string
	color                    string
}

type priority struct{ id, name string }

// site is what an administrator sets up. It never changes.
type site struct {
	projects   []*project
	types      []*issueType
	statuses   []*status
	priorities []*priority
}

func newSite() site {
	epic := &issueType{"10000", "Epic", "A big piece of work that is broken down into stories.", 1}
	story := &issueType{"10001", "Story", "Functionality expressed as a user's goal.", 0}
	task := &issueType{"10002", "Task", "A piece of work to be done.", 0}
	bug := &issueType{"10003", "Bug", "A problem or error.", 0}
	subtask := &issueType{"10004", "Sub-task", "A part of a larger task.", -1}
	return site{
		projects: []*project{
			{"10000", "OPS", "Operations", "business", []*issueType{task, bug, subtask}, false},
			{"10001", "WEB", "Web shop", "software", []*issueType{epic, story, task, bug, subtask}, false},
			// A type that Atlassian's OpenAPI file does not list.
			{"10002", "NOL", "Ideas", "product_discovery", []*issueType{task}, true},
		},
		types: []*issueType{epic, story, task, bug, subtask},
		statuses: []*status{
			{"10000", "To Do", 2, "new", "To Do", "blue-gray"},
			{"10001", "In Progress", 4, "indeterminate", "In Progress", "yellow"},
			{"10002", "Done", 3, "done", "Done", "green"},
		},
		priorities: []*priority{{"1", "Highest"}, {"2", "High"}, {"3", "Medium"}, {"4", "Low"}, {"5", "Lowest"}},
	}
}

// names are what JQL and references know a thing by.
func (p *project) names() []string   { return []string{p.id, p.key, p.name} }
func (t *issueType) names() []string { return []string{t.id, t.name} }
func (s *status) names() []string    { return []string{s.id, s.name} }
func (p *priority) names() []string  { return []string{p.id, p.name} }

// named finds the thing of that name in any case.
func named[T interface{ names() []string }](things []T, name string) (found T, ok bool) {
	for _, thing := range things {
		if querylang.ContainsFold(thing.names(), name) {
			return thing, true
		}
	}
	return found, false
}

func (p *project) json(base string) map[string]any {
	return map[string]any{
		"self":           base + "/rest/api/3/project/" + p.id,
		"id":             p.id,
		"key":            p.key,
		"name":           p.name,
		"projectTypeKey": p.kind,
		"simplified":     false,
		"avatarUrls":     avatars(base, "project/"+p.key),
	}
}

func (t *issueType) json(base string) map[string]any {
	return map[string]any{
		"self":           base + "/rest/api/3/issuetype/" + t.id,
		"id":             t.id,
		"name":           t.name,
		"description":    t.description,
		"iconUrl":        base + "/images/issuetype-" + t.id + ".svg",
		"subtask":        t.level < 0,
		"hierarchyLevel": t.level,
	}
}

func (s *status) json(base string) map[string]any {
	return map[string]any{
		"self":        base + "/rest/api/3/status/" + s.id,
		"id":          s.id,
		"name":        s.name,
		"description": "",
		"iconUrl":     base + "/images/status-" + s.id + ".png",
		"statusCategory": map[string]any{
			"self":      base + "/rest/api/3/statuscategory/" + s.categoryKey,
			"id":        s.category,
			"key":       s.categoryKey,
			"name":      s.categoryTag,
			"colorName": s.color,
		},
	}
}

func (p *priority) json(base string) map[string]any {
	return map[string]any{
		"self":    base + "/rest/api/3/priority/" + p.id,
		"id":      p.id,
		"name":    p.name,
		"iconUrl": base + "/images/priority-" + p.id + ".svg",
	}
}

func avatars(base, of string) map[string]any {
	sizes := map[string]any{}
	for _, size := range []string{"16x16", "24x24", "32x32", "48x48"} {
		sizes[size] = base + "/avatars/" + of + "?size=" + size
	}
	return sizes
}
